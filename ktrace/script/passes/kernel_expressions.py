"""Translate `$x->y[1]` and `@cast(...)` into expressions for `ktrace add`."""

import re
from collections.abc import Callable
from dataclasses import replace

from ktrace.script.language.ast import (
    Call,
    Cast,
    Container,
    Entry,
    Expr,
    Item,
    Member,
    Name,
    Number,
    Path,
    Target,
)
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.builtins import FETCHES, MEMBERS

Definition = Callable[[str], Expr | None]
"""Returns the kernel expression of a local variable that is assigned once, else None."""


def kernel_text(e: Expr, definition: Definition, *, at_return: bool) -> str:
    """Return the text of an expression that the kernel reads.

    Raises:
        ScriptError: the value is computed in user space, where kernel memory cannot be read.
    """
    match e:
        case Target():
            return _target(e, at_return)
        case Cast():
            return _cast(e, definition, at_return)
        case Entry():
            return kernel_text(e.value, definition, at_return=False)
        case Container():
            inner = kernel_text(e.value, definition, at_return=at_return)
            member = path_text(e.path).removeprefix("->").replace("->", ".")
            return f"container_of({inner}, {type_name(e.type)}, {member})"
        case Name():
            known = definition(e.name)
            if known is not None:
                return kernel_text(known, definition, at_return=at_return)
        case Call(name=name, args=(Number(value=number),)) if name.endswith("_arg") and name in FETCHES:
            return f"$arg{number}"
        case Call(name=name, args=(value,)) if name in MEMBERS:
            record, members, _ = MEMBERS[name]
            path = tuple(Member(e.at, member) for member in members)
            return kernel_text(Cast(e.at, value, record, path=path), definition, at_return=at_return)
        case Call(name="returnval", args=()) if at_return:
            return "$retval"
    raise ScriptError(
        "the kernel's memory is read when the probe is hit: this value is only known later",
        e.at,
        hint='begin with a variable of the probe: $x->member, @cast($x, "type")->member',
    )


def refuse_kernel_write(target: Expr) -> None:
    """Raise ScriptError if the target of an assignment is a variable of the kernel."""
    if isinstance(target, Target | Cast):
        raise ScriptError(
            "nothing is written to the kernel",
            target.at,
            hint="SystemTap's guru mode could; ktrace only looks",
        )


def _target(e: Target, at_return: bool) -> str:
    if e.variable:
        if e.path or e.address:
            raise ScriptError(
                "of @var only plain variables can be read, not their addresses or members", e.at
            )
        return "@" + e.name.partition("@")[0]
    name = e.name
    if name == "return":
        if not at_return:
            raise ScriptError("$return is known at a function's return", e.at, hint="...function(...).return")
        name = "$retval"
    elif re.fullmatch(r"arg\d+", name):
        name = "$" + name
    return _address(e.address) + name + path_text(e.path)


def _cast(e: Cast, definition: Definition, at_return: bool) -> str:
    if e.type is None:
        return _address(e.address) + _joined(kernel_text(e.value, definition, at_return=at_return), e.path)
    inner = kernel_text(e.value, definition, at_return=at_return)
    if not e.path:
        return inner
    return f"{_address(e.address)}(({type_name(e.type)} *){inner}){path_text(e.path)}"


def type_name(text: str) -> str:
    """Return the name of a type as C spells it; a bare name is that of a struct."""
    kind = re.sub(r"\s+", " ", text.replace("&", "")).strip().rstrip("* ")
    if not kind.startswith(("struct ", "union ", "enum ", "unsigned ", "const ")) and kind not in _SCALARS:
        kind = f"struct {kind}"
    return kind


_SCALARS = ("int", "long", "short", "char", "bool", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64")


def _joined(inner: str, path: Path) -> str:
    return inner.removeprefix("&") + path_text(path) if inner.startswith("&") else inner + path_text(path)


def _address(wanted: bool) -> str:
    return "&" if wanted else ""


def path_text(path: Path) -> str:
    """Return a path as text, such as `->a->b[1]`."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, Member):
            parts.append("->" + step.name)
        else:
            assert isinstance(step, Item)
            if not isinstance(step.index, Number):
                raise ScriptError(
                    "an index into the kernel's memory is a literal number: it is read at the probe",
                    step.at,
                )
            parts.append(f"[{step.index.value}]")
    return "".join(parts)


def without_pretty(e: Target | Cast) -> Target | Cast:
    """Return the same expression, read as a number."""
    return replace(e, pretty="")
