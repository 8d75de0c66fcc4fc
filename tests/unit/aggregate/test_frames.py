"""Stacks without what the tracer itself put on them."""

from ktrace.aggregate.frames import functions, without_own

FROM_6_1 = (
    "aggr_pre_handler+0x40/0x80", "kprobe_ftrace_handler+0x10b/0x1b0", "0xffffffffc03e70c8",
    "vfs_read+0x5/0x310", "ksys_read+0xb7/0xf0", "0xffffffffc0000000",
)  # fmt: skip


def test_from_the_place_that_was_hit() -> None:
    assert without_own(FROM_6_1) == FROM_6_1[3:]
    assert functions(FROM_6_1) == ("vfs_read", "ksys_read", "0xffffffffc0000000")


def test_names_without_offsets_and_files_of_programs() -> None:
    assert functions(("action_trace", "do_syscall_64")) == ("do_syscall_64",)
    assert functions(("/lib/libc.so.6[+0x12]",)) == ("/lib/libc.so.6[+0x12]",)


def test_a_stack_of_nothing_else_stays() -> None:
    assert without_own(("0x12", "0x13")) == ("0x12", "0x13")
