"""Events that cannot be hit, and why. That they have no records means nothing."""

from collections.abc import Sequence

from ktrace.errors import Unavailable
from ktrace.records import dataclass

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Muted:
    """Events that cannot be hit, all for the same reason.

    Attributes:
        events: their names as shown to the user.
        why: the reason, as the second half of a sentence.
        hint: the command that fixes it.
    """

    events: tuple[str, ...]
    why: str
    hint: str

    def to_text(self, verb: str) -> str:
        """Return the message: `vfs_read, vfs_write and 7 more VERB be hit: WHY`."""
        return f"{self.names} {verb} be hit: {self.why}"

    @property
    def names(self) -> str:
        """Return the first few events and the number of the others."""
        named, more = self.events[:_NAMED], len(self.events) - _NAMED
        return ", ".join(named) + (f" and {more} more" if more > 0 else "")

    def to_json(self) -> dict[str, object]:
        """Return the fields of a record of type `muted`, and of `muted` in an answer."""
        return {"events": list(self.events), "why": self.why, "hint": self.hint}


def seeing_status(status: int, muted: "Sequence[Muted]") -> int:
    """Return a run's exit status. A run whose events could not be hit fails."""
    return Unavailable.exit_code if muted and status == 0 else status
