"""Lockdown: the kernel's own refusal of tracing, root included. See kernel_lockdown(7).

`integrity` leaves tracefs alone, and lets nobody write to debugfs; `confidentiality` refuses all tracing.
"""

import re
from pathlib import Path

SECURITY = "/sys/kernel/security"
MODES = ("none", "integrity", "confidentiality")
_CMDLINE = "/proc/cmdline"


def lockdown_mode(path: str = f"{SECURITY}/lockdown") -> str | None:
    """Return the mode; None where securityfs does not show it, or the kernel has no lockdown.

    The file lists all modes with brackets around the present one.
    """
    try:
        text = Path(path).read_text()
    except OSError:
        return None
    return text.partition("[")[2].partition("]")[0] or None


def mode_asked_for(cmdline: str) -> str:
    """Return the strictest mode that a kernel's command line asks for: `none` where it asks for none."""
    words = cmdline.partition(" -- ")[0].split()
    asked = [m[1] for word in words if (m := re.fullmatch(r"lockdown=(integrity|confidentiality)", word))]
    return max(asked, key=MODES.index, default="none")


def present_mode(path: str = f"{SECURITY}/lockdown", cmdline: str = _CMDLINE) -> str | None:
    """Return the mode, or where it is not shown, what the kernel was booted with; None where neither says."""
    mode = lockdown_mode(path)
    if mode is not None:
        return mode
    try:
        asked = mode_asked_for(Path(cmdline).read_text("utf-8", "surrogateescape"))
    except OSError:
        return None
    return None if asked == "none" else asked
