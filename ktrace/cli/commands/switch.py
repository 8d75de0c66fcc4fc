"""`ktrace switch`."""

from enum import StrEnum
from typing import Annotated

import typer

from ktrace.cli.traced import traced


class Position(StrEnum):
    """A position of the switch."""

    ON = "on"
    OFF = "off"


def switch(
    position: Annotated[
        Position | None, typer.Argument(metavar="[on|off]", help="Without it, print the present state.")
    ] = None,
) -> int:
    """Arm or disarm every kprobe of the system, including those of others (debugfs kprobes/enabled).

    Definitions stay, and enabled events stay enabled; disarmed probes are not hit.

    \b
    Examples:
      ktrace switch
      ktrace switch off
      ktrace switch on
    """
    import errno

    from ktrace.errors import Unavailable
    from ktrace.session.signals import StopSignals
    from ktrace.tracefs import kprobe_list
    from ktrace.tracefs.mount import find_debug, find_tracing, refuses_debugfs

    find_tracing(traced())
    debug = find_debug(traced())
    if debug is None:
        raise Unavailable("debugfs is not mounted", hint="mount -t debugfs nodev /sys/kernel/debug")
    try:
        if position is None:
            print(Position.ON if kprobe_list.is_armed(debug) else Position.OFF)
        else:
            with StopSignals(stays=True) as stop:  # it is switched and says so, or it is not
                stop.check()
                kprobe_list.switch(debug, position is Position.ON)
    except PermissionError as error:
        mode = refuses_debugfs(traced())
        if mode is None and error.errno == errno.EPERM and traced().euid() == 0:
            mode = "integrity at least; inferred: it refuses root"
        if mode is not None:
            raise Unavailable(
                f"this kernel is locked down ({mode}): nobody can use {debug.root}/{kprobe_list.ENABLED}",
                hint="boot without lockdown (see kernel_lockdown(7))",
            ) from None
        raise Unavailable(
            f"{debug.root}/{kprobe_list.ENABLED}: {error.strerror}",
            hint="root is needed, and a kernel that is not locked down: `ktrace doctor`",
        ) from None
    except FileNotFoundError:
        raise Unavailable("this kernel has no kprobes/enabled in debugfs") from None
    return 0
