import numpy as np
import pytest

from ktrace.host.local import LocalHost
from ktrace.model.batch import Chunk, Lost, Stack
from ktrace.stream.task_names import TaskNames
from ktrace.tracefs.files import Files
from tests.unit.stream.chunks import batch

UNKNOWN = "<...>"


@pytest.fixture
def proc(tmp_path):
    for pid, name in {7: b"bash\n", 8: b"caf\xe9\n", 9: b"a\nb\n"}.items():
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "comm").write_bytes(name)
    return Files(LocalHost(), str(tmp_path))


def stack(pid, comm=UNKNOWN):
    return Stack(1, ts=0, cpu=0, pid=pid, comm=comm, user=False, frames=())


def filled(proc, pids, comms, saved=""):
    chunk = TaskNames(lambda: saved, proc)(Chunk((batch(*range(len(pids)), pids=pids, comms=comms),)))
    return chunk.batches[0].comm.tolist()


def test_names_of_tasks_that_live(proc):
    assert filled(proc, [7, 8, 9], [UNKNOWN] * 3) == ["bash", "caf\udce9", "a\nb"]


def test_names_that_are_known_stay(proc):
    assert filled(proc, [7, 7, 8], ["old", UNKNOWN, "x"]) == ["old", "bash", "x"]


def test_one_id_has_the_same_name_in_all_its_rows(proc):
    assert filled(proc, [7, 8, 7, 8], [UNKNOWN] * 4) == ["bash", "caf\udce9"] * 2


def test_of_tasks_that_ended_the_kernel_may_have_saved_the_name(proc):
    saved = "1 init\n55 short lived\n555 other\n7 stale\n66 <...>\n"
    assert filled(proc, [55, 66, 7, 5], [UNKNOWN] * 4, saved) == ["short lived", UNKNOWN, "bash", UNKNOWN]


def test_else_another_event_of_the_same_task_has_it(proc):
    assert filled(proc, [55, 56, 55], [UNKNOWN, UNKNOWN, "tell"]) == ["tell", UNKNOWN, "tell"]


def test_without_unknown_names_nothing_is_read(proc):
    def refuse():
        pytest.fail("nothing had to be read")

    chunk = Chunk((batch(0, 1, comms=["a", "b"]),), (stack(55, "a"), Lost(1, 0, None)))
    names = TaskNames(refuse, proc)
    assert names(chunk).batches[0] is chunk.batches[0]
    assert names(chunk).marks == chunk.marks
    whole = Chunk((batch(0, comms=["a"]),))
    assert names(whole) is whole


def test_stacks_too(proc):
    chunk = TaskNames(lambda: "55 saved\n", proc)(Chunk((), (stack(7), stack(55), Lost(1, 0, 2))))
    assert [getattr(m, "comm", None) for m in chunk.marks] == ["bash", "saved", None]


def test_the_batch_given_is_not_changed(proc):
    given = batch(0, 1, pids=[7, 8], comms=[UNKNOWN, UNKNOWN])
    TaskNames(lambda: "", proc)(Chunk((given,)))
    assert given.comm.tolist() == [UNKNOWN, UNKNOWN]
    assert np.all(given.comm.codes == 0)


def test_names_are_found_anew_for_each_chunk(proc, tmp_path):
    names = TaskNames(lambda: "", proc)
    chunk = Chunk((batch(0, pids=[7], comms=[UNKNOWN]),))
    assert names(chunk).batches[0].comm.tolist() == ["bash"]
    (tmp_path / "7/comm").write_text("after exec\n")
    assert names(chunk).batches[0].comm.tolist() == ["after exec"]
