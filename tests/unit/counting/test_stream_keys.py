"""Keys to count by, as columns: shown as the kernel's histograms show them."""

from pathlib import Path

import pytest

from ktrace.aggregate.keys import Fields
from ktrace.counting import stream_keys as module
from ktrace.counting.counted_events import CountedEvent, shown_name
from ktrace.counting.stream_keys import column_of, field_reading, readings
from ktrace.errors import NotFound, Unavailable
from ktrace.host.local import LocalHost
from ktrace.model.format import parse_format
from ktrace.model.tally import Key, Range
from ktrace.stream.symbol_table import SymbolTable
from ktrace.tracefs.files import Files

FORMAT = """\
name: e
ID: 9
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;
\tfield:s64 n;\toffset:16;\tsize:8;\tsigned:1;
\tfield:u64 f;\toffset:24;\tsize:8;\tsigned:0;
\tfield:__data_loc char[] ktrace_comm;\toffset:32;\tsize:4;\tsigned:1;

print fmt: "(%lx) n=%Ld f=%pS ktrace_comm=\\"%s\\"", REC->__probe_ip, REC->n, REC->f, __get_str(ktrace_comm)
"""
SYMBOLS = b"ffffffff81000000 T vfs_read\nffffffff81000100 T vfs_write\n"


def counted(comm: str | None = None) -> CountedEvent:
    return CountedEvent("g/e", "f", Fields(parse_format(FORMAT, "g"), comm), ("n",))


def shown(tmp_path: Path, word: str, value: Key) -> Key:
    return field_reading(Files(LocalHost(), str(tmp_path)), counted(), word).show(value)


def test_words_and_arguments(tmp_path: Path) -> None:
    files = Files(LocalHost(), str(tmp_path))
    found = readings(files, counted(), iter(["n"]), ["comm", "pid", "x=%dx", "cpu", "stack"])
    assert [reading.column for reading in found] == ["comm", "pid", ".n", "cpu", "stack"]
    (comm,) = readings(files, counted("ktrace_comm"), iter([]), ["comm"])
    assert comm.column == ".ktrace_comm"  # the name at the hit
    assert column_of("common_pid") == "pid" and column_of("pid") == ".pid"


def test_modifiers_mean_what_they_mean_in_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "kernel_symbols", lambda host: SymbolTable(SYMBOLS))
    assert shown(tmp_path, "n", -5) == -5
    assert shown(tmp_path, "n.hex", -1) == 2**64 - 1
    assert shown(tmp_path, "n.log2", 5) == Range(5, 8)
    assert shown(tmp_path, "n.buckets=7", 20) == Range(14, 20)
    assert shown(tmp_path, "f", "vfs_read+0x5/0x100") == "vfs_read"
    assert shown(tmp_path, "f.sym", 0xFFFFFFFF81000005) == "vfs_read"
    assert shown(tmp_path, "f.sym-offset", 0xFFFFFFFF81000005) == "vfs_read+0x5/0x100"
    assert field_reading(Files(LocalHost(), str(tmp_path)), counted(), "common_pid.execname").column == "comm"


def test_system_calls_by_the_kernels_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {0: "read", 4: "stat", 40: "sendfile", 166: "umount2"}
    monkeypatch.setattr(module, "syscall_names", lambda _machine: numbers)
    for name in ("read", "newstat", "sendfile64", "umount"):
        (tmp_path / f"events/syscalls/sys_enter_{name}").mkdir(parents=True)
    names = [shown(tmp_path, "n.syscall", number) for number in (0, 4, 40, 166, 9999)]
    assert names == ["sys_read", "sys_newstat", "sys_sendfile64", "sys_umount", "unknown_syscall"]


def test_what_is_not_there_and_what_only_the_kernel_can(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="'m'"):
        shown(tmp_path, "m", 1)
    with pytest.raises(Unavailable, match=r"\.usecs"):
        shown(tmp_path, "n.usecs", 1)


@pytest.mark.parametrize(
    ("word", "name"),
    [("n=%dx:u64", "n"), ("file:path", "file:path"), ("$retval", "$retval"), ("a==b", "a==b")],
)
def test_a_name_that_was_given_is_shown(word: str, name: str) -> None:
    assert shown_name(word) == name
