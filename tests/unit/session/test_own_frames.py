"""Stacks of records begin at the function that was hit."""

from ktrace.model.batch import Chunk, Lost, Stack
from ktrace.session.own_frames import without_own_frames


def stack(*frames: str, user: bool = False) -> Stack:
    return Stack(0, 1, 0, 7, "a", user, frames, ips=tuple(range(len(frames))))


def test_the_tracers_frames_are_dropped() -> None:
    own = ("kprobe_trace_func+0x10/0x20", "kprobe_dispatcher+0x1/0x2", "kprobe_ftrace_handler+0x1/0x2")
    chunk = Chunk((), (stack(*own, "vfs_read+0x5/0x310", "ksys_read+0x6f/0xf0"), Lost(1, 0, 3)))
    (trimmed, lost) = without_own_frames(chunk).marks
    assert isinstance(trimmed, Stack)
    assert trimmed.frames == ("vfs_read+0x5/0x310", "ksys_read+0x6f/0xf0")
    assert trimmed.ips == (3, 4)
    assert lost == Lost(1, 0, 3)


def test_other_stacks_stay() -> None:
    kept = Chunk(
        (), (stack("vfs_read+0x5/0x310"), stack("<000000000040>", user=True), stack("kprobe_x+0x1/0x2"))
    )
    assert without_own_frames(kept) == kept
    nothing = Chunk((), (Lost(1, 0, 3),))
    assert without_own_frames(nothing) is nothing
