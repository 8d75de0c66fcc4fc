from pathlib import Path

import numpy as np

from ktrace.host.local import LocalHost
from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Strings
from ktrace.stream.processes import Processes
from ktrace.stream.thread_groups import ThreadGroups
from ktrace.tracefs.files import Files


def batch(tids: list[int]) -> Batch:
    rows = np.arange(len(tids))
    none = Strings.of("" for _ in tids)
    pid = np.array(tids, np.int32)
    return Batch("e", "fields", rows, rows, pid, pid, None, none, none)


def test_threads_have_the_process_that_the_kernel_saved_or_proc_knows(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("Name:\tx\nTgid:\t70\nPid:\t7\n")
    processes = Processes(ThreadGroups(lambda: "5 50\n6 50\n", Files(LocalHost(), str(tmp_path))))
    (filled,) = processes(Chunk((batch([6, 5, 7, 8, 0, 6]),))).batches
    assert filled.tgid is not None
    assert filled.tgid.tolist() == [50, 50, 70, 8, 0, 50]
