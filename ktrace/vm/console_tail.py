"""What to show of a guest that failed: the part of its console that says why."""

import re
from collections.abc import Sequence

LINES = 24

_PANIC = re.compile(r"Kernel panic - not syncing: (?P<why>.*)")
# Where the kernel begins to tell of a failure: all that comes later belongs to it.
_TROUBLE = re.compile(r"BUG: |Oops: |general protection fault|Kernel panic|sysrq: Trigger a crash|ktrace: ")
# The C virtiofsd says this when a guest ends, whatever the reason.
_NOISE = "virtio_loop: "


def message(what: str, messages: Sequence[str], console: Sequence[str]) -> str:
    """One sentence, and the lines that go with it.

    Args:
        what: how the guest failed, as far as QEMU's end tells: completes "the guest ...".
        messages: what QEMU and virtiofsd printed.
        console: the console's last lines, oldest first.
    """
    panics = [match["why"] for match in map(_PANIC.search, console) if match]
    if panics:
        what = f"panicked ({panics[-1]})"
    words = [line for line in messages if not line.startswith(_NOISE)]
    words += _telling(console)
    last = "".join(f"\n  | {line}" for line in words)
    return f"the guest {what}" + (f"; its last words:{last}" if words else "")


def _telling(console: Sequence[str]) -> Sequence[str]:
    """From the first sign of trouble on, cut in the middle if long; else the last lines."""
    start = next((n for n, line in enumerate(console) if _TROUBLE.search(line)), None)
    if start is None:
        return console[-LINES:]
    story = console[start:]
    if len(story) <= LINES:
        return story
    half = LINES // 2
    return [*story[:half], "...", *story[-half:]]
