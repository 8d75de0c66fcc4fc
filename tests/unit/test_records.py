"""Data classes: each shape as `dataclasses` makes it."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from ktrace import records

Decorator = Callable[..., Any]


def shapes(dataclass: Decorator) -> dict[str, type]:
    """Classes of each shape, made by that decorator."""

    @dataclass
    class Plain:
        """Plain."""

        a: int
        b: str = "x"
        c: list[int] = dataclasses.field(default_factory=list)

    @dataclass(frozen=True, slots=True)
    class Point:
        """Frozen, with slots."""

        a: int
        b: int = 2

        @property
        def total(self) -> int:
            return self.a + self.b

    @dataclass(frozen=True, slots=True)
    class Longer(Point):
        """Inherits fields, and changes the default of one."""

        c: tuple[int, ...] = (1,)
        b: int = 5
        NAME: ClassVar[str] = "n"

    @dataclass(frozen=True, slots=True, eq=False)
    class ByIdentity:
        """Equal to itself alone."""

        a: int

    @dataclass(slots=True, repr=False)
    class Working:
        """Makes fields itself."""

        a: int
        made: int = dataclasses.field(init=False)
        kept: dict[str, int] = dataclasses.field(default_factory=dict, repr=False, compare=False)
        fixed: int = dataclasses.field(init=False, default=7)

        def __post_init__(self) -> None:
            self.made = self.a * 2

    @dataclass(frozen=True)
    class Own:  # noqa: PLW1641 -- __hash__ is what the decorator adds
        """Has its own methods."""

        a: int
        b: int = dataclasses.field(default=0, hash=False)

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own) and self.a == other.a

    @dataclass(frozen=True, slots=True)
    class Empty:
        """Has no field."""

    @dataclass(frozen=True, slots=True)
    class One:
        """Has one field."""

        a: int

    every = (Plain, Point, Longer, ByIdentity, Working, Own, Empty, One)
    return {cls.__name__: cls for cls in every}


OURS, THEIRS = shapes(records.dataclass), shapes(dataclasses.dataclass)
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Plain", (1,), {}),
    ("Plain", (1, "y", [3]), {}),
    ("Plain", (), {"a": 1, "c": [2]}),
    ("Plain", (), {}),
    ("Plain", (1, 2, 3, 4), {}),
    ("Point", (1,), {}),
    ("Point", (1,), {"b": 3}),
    ("Point", (1,), {"z": 3}),
    ("Longer", (1,), {}),
    ("Longer", (1, 2, (3,)), {}),
    ("ByIdentity", (1,), {}),
    ("Working", (1,), {}),
    ("Working", (1,), {"kept": {"x": 1}}),
    ("Working", (1, 2), {"made": 1}),
    ("Own", (1, 2), {}),
    ("Empty", (), {}),
    ("One", (1,), {}),
]
EVERY_CALL = pytest.mark.parametrize(("name", "args", "words"), CALLS)
EVERY_CLASS = pytest.mark.parametrize("name", OURS)


def answer(do: Callable[[], object]) -> object:
    """Return what a call returns, or the kind of its error."""
    try:
        found = do()
    except (TypeError, AttributeError, ValueError) as error:
        return type(error)
    return found.replace("shapes.<locals>.", "") if isinstance(found, str) else found


def values(one: Any) -> list[object]:
    """Return the values of an object's fields."""
    return [getattr(one, field.name) for field in dataclasses.fields(one)]


def seen(cls: type, args: tuple[Any, ...], words: dict[str, Any]) -> list[object]:
    """Return what can be seen of an object."""
    try:
        one, other = cls(*args, **words), cls(*args, **words)
    except TypeError:
        return ["TypeError"]
    first = next(iter(dataclasses.fields(cls)), None)
    change = {first.name: 9} if first else {}
    return [
        answer(lambda: repr(one) if "object at" not in repr(one) else ""),
        one == other,
        one == object(),
        answer(lambda: hash(one) == hash(other)),
        values(one),
        answer(
            lambda: [getattr(dataclasses.replace(one, **change), f.name) for f in dataclasses.fields(one)]
        ),
        answer(lambda: dataclasses.replace(one, **change) == one),
        answer(lambda: setattr(one, first.name, 5)) if first else None,
        # With slots, Python 3.11 has a TypeError here, and later ones an AttributeError.
        isinstance(answer(lambda: setattr(one, "unknown", 5)), type),
        answer(lambda: delattr(one, first.name)) if first else None,
        answer(lambda: dataclasses.asdict(other)),
        answer(lambda: copy.copy(other) == other),
        answer(lambda: hasattr(other, "__dict__")),
    ]


@EVERY_CALL
def test_objects_are_as_those_of_dataclasses(name: str, args: tuple[Any, ...], words: dict[str, Any]) -> None:
    assert seen(OURS[name], args, words) == seen(THEIRS[name], args, words)


@EVERY_CLASS
def test_classes_are_as_those_of_dataclasses(name: str) -> None:
    ours, theirs = OURS[name], THEIRS[name]
    assert ours.__match_args__ == theirs.__match_args__ and ours.__doc__ == theirs.__doc__
    assert getattr(ours, "__slots__", None) == getattr(theirs, "__slots__", None)
    assert ours.__qualname__ == theirs.__qualname__ and ours.__module__ == theirs.__module__
    assert [(f.name, f.type, f.init, f.default) for f in dataclasses.fields(ours)] == [
        (f.name, f.type, f.init, f.default) for f in dataclasses.fields(theirs)
    ]
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
    assert dataclasses.is_dataclass(ours)


def test_objects_of_two_classes_differ() -> None:
    assert OURS["One"](1) != OURS["ByIdentity"](1) and OURS["Longer"](1, 2) != OURS["Point"](1, 2)


@records.dataclass(frozen=True, slots=True)
class Sent:
    """Goes to another process."""

    a: int
    b: tuple[str, ...] = ()


def test_pickling_and_copying() -> None:
    one = Sent(1, ("x",))
    assert pickle.loads(pickle.dumps(one)) == one and copy.deepcopy(one) == one


def test_patterns() -> None:
    match Sent(1, ("x",)):
        case Sent(1, (text,)):
            assert text == "x"
        case _:
            raise AssertionError


def test_a_default_that_objects_would_share() -> None:
    for dataclass in (records.dataclass, dataclasses.dataclass):
        with pytest.raises(ValueError, match="default_factory"):

            @dataclass
            class Bad:
                a: list[int] = []  # noqa: RUF012 -- what is tested


def test_a_class_of_dataclasses_inherits_from_one_of_ours() -> None:
    @dataclasses.dataclass(frozen=True)
    class Theirs(Sent):
        c: int = 3

    assert (
        Theirs(1).c == 3
        and Theirs(1) == Theirs(1)
        and [f.name for f in dataclasses.fields(Theirs)] == ["a", "b", "c"]
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        Theirs(1).a = 2  # type: ignore[misc]
