"""The Python API on a running kernel. The fixture of each test checks that nothing is left."""

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


def test_names_of_events_and_what_is_counted_after_the_end(forks):
    with ktrace.Session(buffer_kb=64) as session:
        assert session.add("vfs_read", "n=%dx:u64", name="reads") == ["reads"]
        assert len(session.add("vfs_writ*")) >= 1 and len(session.events) >= 2
        session.trace_event("sched:sched_switch")
        assert "sched/sched_switch" in session.events
        session.filter("common_pid >= 0")
        assert "events" in repr(session)
        assert {batch.event for batch in session.stream(count=50)} <= {
            e.split("/")[1] for e in session.events
        }
    assert "sched/sched_switch" in session.events and session.lost >= 0 and "not open" in repr(session)


def test_what_the_command_notes_is_a_warning():
    with ktrace.Session() as session, pytest.warns(UserWarning, match="do_fork is kernel_clone") as told:
        session.add("do_fork")
    assert told[0].filename == __file__


def test_calls_that_would_see_nothing_or_all():
    with ktrace.Session() as session:
        with pytest.raises(ktrace.UsageError, match="no event yet"):
            session.stream()
        with pytest.raises(ktrace.UsageError, match="no event yet"):
            session.filter("common_pid > 0")
        with pytest.raises(ktrace.UsageError, match="at least one"):
            session.only_tasks([])
        with pytest.raises(ktrace.UsageError, match="at least one"):
            session.only_cpus([])
        with pytest.raises(ktrace.NotFound, match="no event sched:nothing"):
            session.trace_event("sched:nothing")
        with pytest.raises(ktrace.UsageError, match="open already"), session:
            pass


def test_two_streams_at_a_time(forks):
    with ktrace.Session() as session:
        session.trace_event("sched:sched_switch")
        first = session.stream()
        next(first)
        with pytest.raises(ktrace.UsageError, match="streams already"):
            session.stream()
        first.close()
        assert len(next(session.stream(count=1))) == 1


def test_closed_before_the_end_of_the_block(tracing):
    with ktrace.Session() as session:
        session.add("vfs_read")
        session.close()
        assert not list((tracing / "instances").glob("ktrace_*"))
        with pytest.raises(ktrace.UsageError, match="not open"):
            session.add("vfs_read")
