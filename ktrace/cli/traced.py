"""The machine that commands trace. A command that reaches another one chooses its `Host` here."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ktrace.host.host import Host


@cache
def traced() -> "Host":
    """Return the machine that this command line traces: the one that ktrace runs on."""
    from ktrace.host.local import LocalHost

    return LocalHost()
