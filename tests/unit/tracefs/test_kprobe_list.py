import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.model.listing import Registered
from ktrace.tracefs import kprobe_list
from ktrace.tracefs.kprobe_list import parse_kprobe_list
from tests.unit.tracefs.scripted import Scripted


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "ffffffffa0c45484  k  vfs_read+0x4    [DISABLED][FTRACE]",
            Registered(0xFFFFFFFFA0C45484, "k", "vfs_read", 4, None, ("DISABLED", "FTRACE")),
        ),
        (
            "ffffffffa0c45489  k  vfs_read+0x9    [OPTIMIZED]",
            Registered(0xFFFFFFFFA0C45489, "k", "vfs_read", 9, None, ("OPTIMIZED",)),
        ),
        ("0000000000000000  r  vfs_read+0x0    ", Registered(0, "r", "vfs_read", 0, None, ())),
        (
            "ffffffffc0000004  k  ext4_sync_file+0x4  ext4 [FTRACE]",
            Registered(0xFFFFFFFFC0000004, "k", "ext4_sync_file", 4, "ext4", ("FTRACE",)),
        ),
        (
            "ffffffffc0000004  k  ext4_sync_file+0x4  ext4 ",
            Registered(0xFFFFFFFFC0000004, "k", "ext4_sync_file", 4, "ext4", ()),
        ),
        (
            "ffffffffc0000004  k  0xffffffffc0000004 [GONE]",
            Registered(0xFFFFFFFFC0000004, "k", "0xffffffffc0000004", None, None, ("GONE",)),
        ),
        (
            "ffffffff81000000  j  f.isra.0+0x1f/0x40    ",
            Registered(0xFFFFFFFF81000000, "j", "f.isra.0", 31, None, ()),
        ),
    ],
)
def test_lines(line, expected):
    assert parse_kprobe_list(line + "\n") == ([expected], [])


ROWS = st.builds(
    Registered,
    st.integers(0, (1 << 64) - 1),
    st.sampled_from("krj"),
    st.from_regex(r"[A-Za-z_.$][A-Za-z0-9_.$]{0,20}", fullmatch=True),
    st.integers(0, 1 << 20),
    st.none() | st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True),
    st.lists(st.sampled_from(["GONE", "DISABLED", "OPTIMIZED", "FTRACE"]), unique=True).map(tuple),
)


@given(st.lists(ROWS, max_size=5))
def test_lines_spelled_as_the_kernel_does_come_back(rows):
    text = "".join(
        f"{r.address:016x}  {r.type}  {r.where}  {r.module or ' '} {''.join(f'[{f}]' for f in r.flags)}\n"
        for r in rows
    )
    assert parse_kprobe_list(text) == (rows, [])


@pytest.mark.parametrize("line", ["", "hello", "ffff k vfs_read", "ffff  x  f+0x0    ", "f+0x0"])
def test_what_is_not_understood_is_kept(line):
    assert parse_kprobe_list(f"{line}\n") == ([], [line])


@pytest.mark.parametrize("on", [True, False])
def test_the_switch(tmp_path, on):
    debug = Scripted(tmp_path, {"kprobes/enabled": "1\n" if on else "0\n"})
    assert kprobe_list.is_armed(debug) == on
    kprobe_list.switch(debug, on)
    assert debug.done == [("kprobes/enabled", "1" if on else "0")]
