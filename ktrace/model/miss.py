"""The result of a look-up that found nothing, with the reason."""

from ktrace.records import dataclass


@dataclass(frozen=True, slots=True)
class Miss:
    """The answer of a source that does not have the requested name.

    Attributes:
        source: what was searched, such as `/proc/kallsyms`.
        reason: why it is not there, as a clause: "no symbol of that name".
        near: names that come close, best first.
    """

    source: str
    reason: str
    near: tuple[str, ...] = ()
