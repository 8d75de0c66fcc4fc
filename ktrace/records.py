"""Make data classes in a third of the time that `dataclasses.dataclass` takes.

ktrace loads a hundred data classes before a script's first line, and making them was a third of all loading:
for each class, `dataclasses` compiles the text of up to six methods. Here only `__init__` is text, and the
other methods are functions that all classes share. `fields`, `replace`, `asdict`, pickling and patterns
work as with `dataclasses`, and type checkers see that module's decorator.
"""

import dataclasses
import operator
import sys
from collections.abc import Callable, Mapping
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, ClassVar

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, slots=False, eq=True, repr=True):
        """Make a data class: see `dataclasses.dataclass`, whose other parameters this one does not have."""

        def made(cls: type) -> type:
            return _made(cls, frozen=frozen, slots=slots, eq=eq, show=repr)

        return made if cls is None else made(cls)


_MISSING = dataclasses.MISSING
_FIELD: Any = dataclasses._FIELD  # type: ignore[attr-defined]  # by which `fields` knows its own
_LEFT_OUT = object()

Getter = Callable[[Any], tuple[Any, ...]]


class _Params:
    """The parameters of a class, in which `dataclasses` looks for `frozen`."""

    def __init__(self, *, frozen: bool, eq: bool, repr: bool) -> None:
        self.init = self.match_args = True
        self.frozen, self.eq, self.repr = frozen, eq, repr
        self.order = self.unsafe_hash = self.kw_only = self.slots = self.weakref_slot = False


def _made(cls: type, *, frozen: bool, slots: bool, eq: bool, show: bool) -> Any:
    """Return the class with its methods; with `slots`, that is another class."""
    own = _own_fields(cls)
    fields: dict[str, Any] = {}
    for base in cls.__mro__[-1:0:-1]:
        fields.update(base.__dict__.get("__dataclass_fields__", {}))
    fields.update(own)
    body = cls.__dict__
    new: dict[str, Any] = {
        "__dataclass_fields__": fields,
        "__dataclass_params__": _Params(frozen=frozen, eq=eq, repr=show),
        "__match_args__": tuple(name for name, one in fields.items() if one.init),
        "__init__": _init(fields, frozen=frozen, slots=slots, after=hasattr(cls, "__post_init__")),
    }
    if show and "__repr__" not in body:
        new["__repr__"] = _repr(tuple(name for name, one in fields.items() if one.repr))
    if eq:
        _compare(fields, body, new, frozen=frozen)
    refuse = _Frozen(frozenset(fields)) if frozen else None
    if refuse is not None:
        new |= {"__setattr__": refuse.setter(), "__delattr__": refuse.deleter()}
    made: Any = _with_slots(cls, own, new) if slots else _with(cls, own, new)
    if refuse is not None:
        refuse.cls = made
        if slots:
            made.__getstate__, made.__setstate__ = _getstate, _setstate
    return made


def _own_fields(cls: type) -> dict[str, Any]:
    """Return the fields that a class declares, by name."""
    found: dict[str, Any] = {}
    for name, type_ in _annotations(cls).items():
        if getattr(type_, "__origin__", type_) is ClassVar:
            continue
        default = cls.__dict__.get(name, _MISSING)
        if isinstance(default, MemberDescriptorType):  # a slot of that name
            default = _MISSING
        one: Any = default if isinstance(default, dataclasses.Field) else dataclasses.field(default=default)
        if type(one.default).__hash__ is None:
            raise ValueError(f"{name}: all objects would share this default: use default_factory")
        one.name, one.type, one._field_type, one.kw_only = name, type_, _FIELD, False
        found[name] = one
    return found


def _annotations(cls: type) -> Mapping[str, Any]:
    if sys.version_info >= (3, 14):
        import annotationlib  # noqa: PLC0415 -- Python 3.14 has it

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    # `inspect` would take longer than all the rest.
    found: Mapping[str, Any] = cls.__dict__.get("__annotations__", {})  # noqa: RUF063
    return found


def _init(fields: Mapping[str, Any], *, frozen: bool, slots: bool, after: bool) -> Callable[..., None]:
    """Return `__init__`. It is compiled, because it runs for each object."""
    names: dict[str, Any] = {"_set": object.__setattr__, "_left_out": _LEFT_OUT}
    parameters, lines = ["self"], []
    for number, (name, one) in enumerate(fields.items()):
        value = name
        if one.default_factory is not _MISSING:
            names[f"_{number}"] = one.default_factory
            value = f"_{number}() if {name} is _left_out else {name}" if one.init else f"_{number}()"
        elif one.default is not _MISSING:
            names[f"_{number}"] = one.default
            value = name if one.init else f"_{number}"
        if one.init:
            default = "_left_out" if one.default_factory is not _MISSING else f"_{number}"
            parameters.append(f"{name}={default}" if default in names else name)
        elif value == name or (value == f"_{number}" and not slots):
            continue  # it has no value yet, or that of the class
        lines.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if after:
        lines.append("self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines or ["pass"]), names)
    made: Callable[..., None] = names["__init__"]
    made.__annotations__ = {name: one.type for name, one in fields.items() if one.init} | {"return": None}
    return made


def _repr(names: tuple[str, ...]) -> Callable[[Any], str]:
    def __repr__(self: Any) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({values})"

    return __repr__


def _compare(
    fields: Mapping[str, Any], body: Mapping[str, Any], new: dict[str, Any], *, frozen: bool
) -> None:
    """Add `__eq__` and `__hash__`, unless the class has its own."""
    if "__eq__" not in body:
        get = _getter([name for name, one in fields.items() if one.compare])

        def __eq__(self: Any, other: object) -> bool:
            return get(self) == get(other) if other.__class__ is self.__class__ else NotImplemented

        new["__eq__"] = __eq__
    # Python adds `__hash__ = None` to a class that has its own `__eq__`.
    if "__hash__" in body and not (body["__hash__"] is None and "__eq__" in body):
        return
    if not frozen:
        new["__hash__"] = None
        return
    hashed = _getter([n for n, one in fields.items() if (one.compare if one.hash is None else one.hash)])
    new["__hash__"] = lambda self: hash(hashed(self))


def _getter(names: list[str]) -> Getter:
    """Return a function from an object to a tuple of these attributes."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    if names:
        get = operator.attrgetter(names[0])
        return lambda self: (get(self),)
    return lambda _: ()


class _Frozen:
    """Refuses to change fields of a class, and anything in its own objects."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.cls: type = object

    def setter(self) -> Callable[[Any, str, Any], None]:
        """Return `__setattr__`."""

        def __setattr__(this: Any, name: str, value: Any) -> None:
            if type(this) is self.cls or name in self.names:
                raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
            object.__setattr__(this, name, value)

        return __setattr__

    def deleter(self) -> Callable[[Any, str], None]:
        """Return `__delattr__`."""

        def __delattr__(this: Any, name: str) -> None:
            if type(this) is self.cls or name in self.names:
                raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
            object.__delattr__(this, name)

        return __delattr__


def _with(cls: type, own: Mapping[str, Any], new: Mapping[str, Any]) -> type:
    for name, one in own.items():
        if one.default is not _MISSING:
            setattr(cls, name, one.default)
        elif name in cls.__dict__:
            delattr(cls, name)
    for name, value in new.items():
        setattr(cls, name, value)
    return cls


def _with_slots(cls: type, own: Mapping[str, Any], new: Mapping[str, Any]) -> type:
    """Return the class with a slot for each field that it declares: slots are given when a class is made."""
    body = {name: value for name, value in cls.__dict__.items() if name not in own}
    body.pop("__dict__", None)
    body.pop("__weakref__", None)
    there = {name for base in cls.__mro__[1:-1] for name in base.__dict__.get("__slots__", ())}
    made = type(cls)(
        cls.__name__, cls.__bases__, {**body, **new, "__slots__": tuple(n for n in own if n not in there)}
    )
    made.__qualname__ = cls.__qualname__
    return made


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self.__dataclass_fields__]


def _setstate(self: Any, state: list[Any]) -> None:
    for name, value in zip(self.__dataclass_fields__, state, strict=True):
        object.__setattr__(self, name, value)
