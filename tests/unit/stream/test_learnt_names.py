"""Names that events tell: of tasks that the kernel had not saved."""

import struct
from pathlib import Path

import pytest

from ktrace.stream import learnt_names
from ktrace.stream.recording import Recording
from ktrace.tracedat.writer import write_file
from tests.unit.ringbuffer.page_writer import PageWriter
from tests.unit.stream.recorded import COMMON
from tests.unit.tracedat.build import contents

EVENTS = {
    ("sched", "sched_switch"): ("prev_comm", "prev_pid", "next_comm", "next_pid"),
    ("sched", "sched_wakeup"): ("comm", "pid"),
    ("sched", "sched_process_fork"): ("parent_comm", "parent_pid", "child_comm", "child_pid"),
    ("task", "task_newtask"): ("pid", "comm"),
    ("task", "task_rename"): ("pid", "oldcomm", "newcomm"),
    ("other", "hit"): ("pid", "comm"),
}
IDENTS = {key: number for number, key in enumerate(EVENTS, 300)}


def form(key: tuple[str, str]) -> str:
    lines = []
    for number, field in enumerate(EVENTS[key]):
        declared = f"char {field}[16]" if field.endswith("comm") else f"pid_t {field}"
        size = 16 if field.endswith("comm") else 4
        lines.append(f"\tfield:{declared};\toffset:{8 + 16 * number};\tsize:{size};\tsigned:0;\n")
    return f'name: {key[1]}\nID: {IDENTS[key]}\nformat:\n{COMMON}{"".join(lines)}\nprint fmt: "x"\n'


def record(key: tuple[str, str], pid: int, *values: int | bytes) -> bytes:
    body = b"".join(struct.pack("<i12x" if isinstance(value, int) else "16s", value) for value in values)
    return struct.pack("<HBBi", IDENTS[key], 0, 0, pid) + body


def write(path: Path, *records: list[bytes], saved: bytes = b"1 init\n") -> str:
    """A list of records for each page; the pages are those of CPU 0, 1, 0, 1, ..."""
    cpus: dict[int, list[bytes]] = {0: [], 1: []}
    for number, some in enumerate(records):
        page = PageWriter(ts=1000 * (number + 1))
        for body in some:
            page.record(body, 1)
        cpus[number % 2].append(page.bytes())
    forms = tuple((key[0], form(key)) for key in EVENTS)
    write_file(str(path), contents(ftrace_formats=(), event_formats=forms, cmdlines=saved), cpus)
    return str(path)


def names(path: str) -> list[str]:
    with Recording([path]) as recording:
        rows = [
            (int(batch.seq[i]), batch.comm[i])
            for chunk in recording.chunks()
            for batch in chunk.batches
            for i in range(len(batch))
        ]
    return [name for _, name in sorted(rows)]


SWITCH, WAKEUP, FORK, NEW, RENAME, OTHER = EVENTS


@pytest.mark.parametrize(
    "told",
    [
        record(SWITCH, 0, b"swapper/0", 0, b"worker", 8),
        record(SWITCH, 0, b"worker", 8, b"swapper/0", 0),
        record(WAKEUP, 0, b"worker", 8),
        record(FORK, 0, b"shell", 7, b"worker", 8),
        record(NEW, 0, 8, b"worker"),
        record(RENAME, 0, 8, b"shell", b"worker"),
    ],
    ids=["switch to", "switch from", "wakeup", "fork", "newtask", "rename"],
)
def test_each_event_that_tells_names(told: bytes, tmp_path: Path) -> None:
    # The name is told after its first use, and by another CPU.
    path = write(tmp_path / "a.dat", [record(OTHER, 8, 5, b"none")], [told])
    assert names(path) == ["worker", "<idle>"]


def test_names_that_were_saved_come_first_and_the_first_that_is_told_stays(tmp_path: Path) -> None:
    told = [record(NEW, 1, 8, b"shell"), record(RENAME, 8, 8, b"shell", b"worker"), record(NEW, 1, 1, b"no")]
    path = write(tmp_path / "a.dat", told)
    assert names(path) == ["init", "shell", "init"]


def test_other_events_tell_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dat", [record(OTHER, 8, 8, b"worker"), record(WAKEUP, 8, b"", 8)])
    assert names(path) == ["<...>", "<...>"]


def test_beyond_what_is_searched_names_are_known_once_they_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learnt_names, "_SCANNED", 1)
    monkeypatch.setattr(learnt_names, "_PIECE", 4096)
    first, rest = [record(OTHER, 9, 5, b"")] * 40, [record(OTHER, 8, 5, b"")]
    path = write(tmp_path / "a.dat", first, [], [record(NEW, 9, 8, b"worker")], [], rest)
    assert names(path)[-1] == "worker"
