"""The filtering that the kernel does for a script, as `push_down_filters` finds it."""

from collections.abc import Mapping
from dataclasses import field

from ktrace.records import dataclass


@dataclass(frozen=True, slots=True)
class Pushed:
    """The filtering that the kernel does.

    Attributes:
        filters: the kernel event filters, by the key of the event.
        only_target: whether handlers act on the tasks of `target()` only.
    """

    filters: Mapping[int, str] = field(default_factory=dict)
    only_target: bool = False
