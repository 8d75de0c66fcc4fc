"""The counting that the kernel does for a script, as `push_down_counts` finds it."""

from typing import TYPE_CHECKING

from ktrace.records import dataclass

if TYPE_CHECKING:
    from ktrace.aggregate.hist import Hist


@dataclass(frozen=True, slots=True)
class Sum:
    """The addition of a table's row to a variable.

    Attributes:
        name: the name of the global variable.
        parts: the parts of the element's key: constants, and None for a key of the table. Empty for a plain
            variable.
        picks: the indexes of the table's keys that replace the Nones.
        shows: the built-in function applied to each of those keys; empty for none.
        value: the index of the table's sum to add; None for the number of hits.
        factor: the factor of the addition.
        stat: whether the variable is an aggregate, which takes the number of hits as well.
    """

    name: str
    parts: tuple[int | str | None, ...]
    picks: tuple[int, ...]
    shows: tuple[str, ...]
    value: int | None
    factor: int
    stat: bool


@dataclass(frozen=True, slots=True)
class Table:
    """One hist trigger of one event.

    Attributes:
        key: the key of the event (`Found.key`).
        left: a filter for the hits that the table does not count, so that handlers see them; None for none.
        many: whether there may be more keys than the arrays can hold.
    """

    key: int
    hist: "Hist"
    sums: tuple[Sum, ...]
    left: str | None = None  # the same for all tables of an event
    many: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """The counts that the kernel keeps.

    Attributes:
        names: the variables that it counts for.
        tables: the hist triggers; empty if the script does more than count.
        seen_by: the scopes of the timers, and of what is served, that read the variables.
    """

    names: frozenset[str] = frozenset()
    tables: tuple[Table, ...] = ()
    seen_by: frozenset[str] = frozenset()
