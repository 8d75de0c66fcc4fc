"""The Python API on a running kernel. That nothing is left behind, each test's fixture sees to."""

from pathlib import Path

import numpy as np
import pytest

import ktrace

DD = "dd if=/dev/zero of=/dev/null bs=777 count=5 status=none"


def instance(tracing: Path) -> Path:
    (only,) = (tracing / "instances").glob("ktrace_*")
    return only


def test_a_command_is_traced_from_its_first_call_to_its_last():
    with ktrace.Session() as session:
        session.add("vfs_read", "n=%dx:u64")
        got = list(session.stream(command=DD))
        assert session.lost == 0
    assert {batch.event for batch in got} == {"vfs_read"}
    sizes = np.concatenate([batch["n"] for batch in got])
    assert (sizes == 777).sum() == 5
    assert {name for batch in got for name in batch.comm.tolist()} == {"dd"}
    assert len({pid for batch in got for pid in batch.pid.tolist()}) == 1
    times = np.concatenate([batch.ts for batch in got])
    assert (np.diff(times) >= 0).all()


def test_leaving_the_loop_switches_everything_off(tracing, forks):
    with ktrace.Session() as session:
        session.trace_event("sched/sched_switch")
        for batch in session.stream():
            assert len(batch) > 0 and isinstance(batch["next_comm"][0], str)
            assert (instance(tracing) / "events/sched/sched_switch/enable").read_text()[0] == "1"
            break
        assert (instance(tracing) / "events/sched/sched_switch/enable").read_text()[0] == "0"
        assert (instance(tracing) / "tracing_on").read_text().strip() == "0"
        # And once more: nothing of the first loop is in the way.
        assert len(next(iter(session.stream(count=3)))) > 0


def test_an_exception_in_the_loop_undoes_all(tracing, forks):
    with pytest.raises(KeyboardInterrupt), ktrace.Session() as session:
        session.trace_event("sched/sched_switch")
        for _ in session.stream(duration_s=60):
            raise KeyboardInterrupt
    assert not list((tracing / "instances").glob("ktrace_*"))


def test_a_stream_that_outlives_its_session(tracing, forks):
    with ktrace.Session() as session:
        session.trace_event("sched/sched_switch")
        stream = session.stream()
        next(stream)
    stream.close()


def test_count_and_duration(forks):
    with ktrace.Session() as session:
        session.trace_event("sched/sched_switch")
        assert sum(map(len, session.stream(count=7))) == 7
        assert sum(map(len, session.stream(duration_s=0.2))) >= 0


def test_a_program_that_is_not_there():
    with ktrace.Session() as session, pytest.raises(ktrace.KtraceError, match="no-such-program"):
        session.add("vfs_read")
        list(session.stream(command="no-such-program"))
