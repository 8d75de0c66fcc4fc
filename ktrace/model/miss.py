"""Miss: looked, not there, and why. The answer of a look-up that found nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Miss:
    """What one source says when it does not have what was asked for.

    Attributes:
        source: where was looked, such as `/proc/kallsyms`.
        reason: why it is not there, as half a sentence: "no symbol of that name".
        near: names that come close, best first.
    """

    source: str
    reason: str
    near: tuple[str, ...] = ()
