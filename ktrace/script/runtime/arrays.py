"""Associative arrays with a size limit, and the order in which `foreach` visits them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ktrace.script.language.faults import Fault
from ktrace.script.runtime.stats import Shape, Stat


class Array(dict[Any, Any]):
    """An array. A single key is stored as it is, several keys as a tuple.

    Args:
        name: the array's name, for errors.
        limit: the maximum number of elements.
        wraps: whether a full array drops its oldest element instead of failing.
        shape: the shape of the aggregates in an array of aggregates; None otherwise.
    """

    __slots__ = ("limit", "name", "shape", "wraps")

    def __init__(self, name: str, limit: int, wraps: bool = False, shape: Shape | None = None) -> None:
        super().__init__()
        self.name = name
        self.limit = limit
        self.wraps = wraps
        self.shape = shape

    def put(self, key: Any, value: Any) -> Any:
        """Set an element and return the value."""
        if len(self) >= self.limit and key not in self:
            self._make_room()
        self[key] = value
        return value

    def stat(self, key: Any) -> Stat:
        """Return the aggregate of a key. Create it if it is missing."""
        found: Stat | None = self.get(key)
        if found is None:
            assert self.shape is not None
            found = Stat(self.shape)
            self.put(key, found)
        return found

    def full(self) -> Fault:
        """Return the error for an array that is full."""
        return Fault(f"Array overflow, check size limit ({self.limit})", f"identifier '{self.name}'")

    def _make_room(self) -> None:
        if not self.wraps:
            raise self.full()
        del self[next(iter(self))]

    def matching(self, keys: Sequence[Any]) -> list[Any]:
        """Return the keys that match `keys`; None in it matches any key."""
        if len(keys) == 1:
            wanted = keys[0]
            return list(self) if wanted is None else [wanted] if wanted in self else []
        return [k for k in self if all(w is None or w == part for w, part in zip(keys, k, strict=True))]

    def drop(self, keys: Sequence[Any]) -> None:
        """Delete the elements whose keys match."""
        for key in self.matching(keys):
            del self[key]


def by_key(array: object) -> None:
    """Sort an array's elements by their keys. Do nothing for other objects."""
    if isinstance(array, Array):
        items = sorted(array.items(), key=lambda item: item[0])
        array.clear()
        array.update(items)


def ordered(
    array: Array,
    keys: Sequence[Any] | None,
    sort: Callable[[tuple[Any, Any]], Any] | None,
    descending: bool,
    limit: int | None,
) -> Iterator[tuple[Any, Any]]:
    """Return the elements that a loop visits, as they were when it began."""
    items = list(array.items()) if keys is None else [(k, array[k]) for k in array.matching(keys)]
    if sort is not None:
        items.sort(key=sort, reverse=descending)
    if limit is not None:
        items = items[: max(limit, 0)]
    return iter(items)
