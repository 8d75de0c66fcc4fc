"""Functions that ftrace has something attached to, or could have."""

from pathlib import Path

from ktrace.tracefs.functions import match_functions, read_enabled_functions
from tests.unit.tracefs.scripted import Scripted

TEXT = (
    "vfs_read (1) R I     \ttramp: ffffffffc0200000 (fprobe_handler+0x0/0x1a0) ->arch_ftrace_ops_list_func\n"
    "\t   direct-->bpf_trampoline_1\n"
    "ext4_map_blocks [ext4] (2)           \n"
    "tcp_v4_rcv.part.0 (1)\n"
)


def test_names_without_modules_and_what_is_attached(tmp_path: Path) -> None:
    found = read_enabled_functions(Scripted(tmp_path, {"enabled_functions": TEXT}))
    assert found == {"vfs_read", "ext4_map_blocks", "tcp_v4_rcv.part.0"}
    assert read_enabled_functions(Scripted(tmp_path, {"enabled_functions": ""})) == frozenset()


def test_what_a_wildcard_matches(tmp_path: Path) -> None:
    files = Scripted(tmp_path, {"set_ftrace_filter": ""})
    files.after = lambda path, _: files.put(path, "tcp_a\ntcp_b\ntcp_b [tls]\n")
    assert match_functions(files, "tcp_*") == ["tcp_a", "tcp_b", "tcp_b"]
    assert files.done == [("set_ftrace_filter", "tcp_*")]
    files.after = lambda path, _: files.put(path, "#### all functions enabled ####\n")
    assert match_functions(files, "x*") == []
