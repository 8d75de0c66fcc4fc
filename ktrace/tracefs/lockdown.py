"""Lockdown: the kernel refuses tracing, even to root. See kernel_lockdown(7).

`integrity` allows tracefs but forbids writing to debugfs; `confidentiality` forbids all tracing.
"""

import re

from ktrace.host.host import Host

SECURITY = "/sys/kernel/security"
MODES = ("none", "integrity", "confidentiality")
_CMDLINE = "/proc/cmdline"


def lockdown_mode(host: Host, security: str = SECURITY) -> str | None:
    """Return the mode; None if securityfs does not show it or the kernel has no lockdown.

    The file lists all modes, with brackets around the current one.

    Args:
        security: where securityfs is mounted.
    """
    try:
        text = host.read(f"{security}/lockdown")
    except OSError:
        return None
    return text.partition("[")[2].partition("]")[0] or None


def mode_asked_for(cmdline: str) -> str:
    """Return the strictest mode that a kernel command line requests; `none` without a request."""
    words = cmdline.partition(" -- ")[0].split()
    asked = [m[1] for word in words if (m := re.fullmatch(r"lockdown=(integrity|confidentiality)", word))]
    return max(asked, key=MODES.index, default="none")


def present_mode(host: Host) -> str | None:
    """Return the mode or, if it is not shown, the mode requested at boot; None if neither is known."""
    mode = lockdown_mode(host)
    if mode is not None:
        return mode
    try:
        asked = mode_asked_for(host.read(_CMDLINE))
    except OSError:
        return None
    return None if asked == "none" else asked
