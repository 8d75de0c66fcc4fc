"""The machine that commands trace. A command that reaches another one chooses its `Host` here."""

import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ktrace.host.host import Host


class _Verbosity:
    """The number of times that the user gave -v."""

    level = 0


_verbosity = _Verbosity()


def be_verbose(level: int) -> None:
    """Print on standard error what is done to the machine: 1 changes, 2 also what is read."""
    if level != _verbosity.level:
        _verbosity.level = level
        traced.cache_clear()


def is_verbose() -> bool:
    """Return whether lines appear on standard error meanwhile, so that nothing there can be redrawn."""
    return _verbosity.level > 0


@cache
def traced() -> "Host":
    """Return the machine that this command line traces: the one that ktrace runs on."""
    from ktrace.host.local import LocalHost

    if not _verbosity.level:
        return LocalHost()
    from ktrace.host.verbose import VerboseHost

    return VerboseHost(_tell, reads=_verbosity.level > 1)


def _tell(line: str) -> None:
    print(f"ktrace: {line}", file=sys.stderr)
