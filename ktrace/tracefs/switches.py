"""System-wide switches that silently disable probes.

See Documentation/trace/kprobes.rst, "The kprobes debugfs interface", and
Documentation/admin-guide/sysctl/kernel.rst, "ftrace_enabled".
"""

from ktrace.host.host import Host
from ktrace.tracefs.files import Files
from ktrace.tracefs.kprobe_list import is_armed

FTRACE_ENABLED = "/proc/sys/kernel/ftrace_enabled"

ARM = "ktrace switch on"
"""The command that arms all kprobes."""
FTRACE_ON = "sysctl kernel.ftrace_enabled=1"
"""The command that lets ftrace call its users again."""


def kprobes_armed(debug: Files | None) -> bool | None:
    """Return whether kprobes are armed; None if debugfs does not show it."""
    if debug is None:
        return None
    try:
        return is_armed(debug)
    except OSError:
        return None


def ftrace_enabled(host: Host) -> bool | None:
    """Return whether ftrace calls its users; None if the kernel has no such switch or hides it."""
    try:
        return host.read(FTRACE_ENABLED).strip() != "0"
    except OSError:
        return None
