"""What `enable`, `disable` and `remove` have in common: which probes, and what became of them."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ktrace.errors import UsageError

if TYPE_CHECKING:
    from ktrace.model.probe import Probe
    from ktrace.tracefs.files import Files


def chosen(tracing: "Files", names: Sequence[str] | None, everything: bool, command: str) -> "list[Probe]":
    """The probes meant on the command line. Raises UsageError for none or both, NotFound."""
    from ktrace.session.listing import select
    from ktrace.tracefs.dynevents import list_probes

    if everything and names:
        raise UsageError("--all and names together: which?")
    if not everything and not names:
        raise UsageError("which probes?", hint=f"ktrace {command} NAME..., with wildcards, or --all")
    return select(list_probes(tracing)[0], names or (), everything=everything)


def summary(verb: str, done: int, wanted: int, seconds: float) -> None:
    """One line on stderr, where there were several."""
    if wanted > 1:
        print(f"ktrace: {done} of {wanted} probes {verb} in {seconds:.2f} s", file=sys.stderr)
