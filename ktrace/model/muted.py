"""Muted: events that nothing can hit, and why. Their silence says nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from ktrace.errors import Unavailable

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Muted:
    """Events that cannot be hit for one reason.

    Attributes:
        events: as they are shown to a person.
        why: the reason, as the second half of a sentence.
        hint: the command that mends it.
    """

    events: tuple[str, ...]
    why: str
    hint: str

    def to_text(self, verb: str) -> str:
        """Say it: `vfs_read, vfs_write and 7 more VERB be hit: WHY`."""
        return f"{self.names} {verb} be hit: {self.why}"

    @property
    def names(self) -> str:
        """The first few events, and how many more."""
        named, more = self.events[:_NAMED], len(self.events) - _NAMED
        return ", ".join(named) + (f" and {more} more" if more > 0 else "")

    def to_json(self) -> dict[str, object]:
        """The fields of a record of type `muted`, and of `muted` in an answer."""
        return {"events": list(self.events), "why": self.why, "hint": self.hint}


def seeing_status(status: int, muted: "Sequence[Muted]") -> int:
    """Return a run's exit status; one that nothing could hit did not do what was asked."""
    return Unavailable.exit_code if muted and status == 0 else status
