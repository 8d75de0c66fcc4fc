"""Offer: a file that a script serves, and what is done when somebody reads or writes it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ktrace.records import dataclass
from ktrace.script.language.sites import Served


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that a script serves.

    Attributes:
        path: its name, with `/` between folders and the file.
        mode: the permission bits.
        read: returns the text for one reader; None if nobody may read it. The text is None if the handler
            failed, or if the script is over.
        write: takes what was written, and returns how many bytes the handler got, 0 if it failed; None if
            nobody may write it.
    """

    path: str
    mode: int
    read: Callable[[], bytes | None] | None = None
    write: Callable[[bytes], int] | None = None

    def joined(self, other: "Offer") -> "Offer":
        """Return the offer of both, for a file that is read and written."""
        return replace(
            self, mode=self.mode | other.mode, read=self.read or other.read, write=self.write or other.write
        )


def mode_of(site: Served) -> int:
    """Return the permission bits that a probe point gives its file."""
    return (0o444 if site.does == "read" else 0o222) & ~site.umask


def by_path(offers: Sequence[Offer]) -> dict[str, Offer]:
    """Return one offer for each path."""
    found: dict[str, Offer] = {}
    for one in offers:
        found[one.path] = found[one.path].joined(one) if one.path in found else one
    return found
