"""Choose the part of a failed guest's console that shows the cause."""

import re
from collections.abc import Sequence

LINES = 24

_PANIC = re.compile(r"Kernel panic - not syncing: (?P<why>.*)")
# The first line of a kernel's failure report: everything after it belongs to the report.
_TROUBLE = re.compile(r"BUG: |Oops: |general protection fault|Kernel panic|sysrq: Trigger a crash|ktrace: ")
# The C virtiofsd prints this whenever a guest ends, for any reason.
_NOISE = "virtio_loop: "


def message(what: str, messages: Sequence[str], console: Sequence[str]) -> str:
    """Return one sentence, and the lines that explain it.

    Args:
        what: how the guest failed, as far as QEMU's end shows; completes "the guest ...".
        messages: the output of QEMU and virtiofsd.
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
    """Return the lines from the first sign of trouble, cut in the middle if long, or the last lines."""
    start = next((n for n, line in enumerate(console) if _TROUBLE.search(line)), None)
    if start is None:
        return console[-LINES:]
    story = console[start:]
    if len(story) <= LINES:
        return story
    half = LINES // 2
    return [*story[:half], "...", *story[-half:]]
