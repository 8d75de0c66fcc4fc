"""Translate `$x->y[1]` and `@cast(...)` into expressions for `ktrace add`."""

import re
from dataclasses import replace

from ktrace.model.c_integer import c_integer
from ktrace.script.language.ast import (
    Call,
    Cast,
    Container,
    Entry,
    Expr,
    Item,
    Member,
    Number,
    Path,
    Target,
)
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.addresses import Definition, address_of
from ktrace.script.passes.builtins import AT_ADDRESS, FETCHES, MEMBERS


def kernel_text(e: Expr, definition: Definition, *, at_return: bool) -> str:
    """Return the text of an expression that the kernel reads.

    Raises:
        ScriptError: the value is computed in user space, where kernel memory cannot be read.
    """
    match e:
        case Target():
            return _target(e, definition, at_return)
        case Cast():
            return _cast(e, definition, at_return)
        case Entry():
            return kernel_text(e.value, definition, at_return=False)
        case Container():
            inner = kernel_text(e.value, definition, at_return=at_return)
            member = path_text(e.path, definition).removeprefix("->").replace("->", ".")
            return f"container_of({inner}, {type_name(e.type)}, {member})"
        case Call(name=name, args=(Number(value=number),)) if name.endswith("_arg") and name in FETCHES:
            return f"$arg{number}"
        case Call(name=name, args=(value,)) if name in MEMBERS:
            record, members, _ = MEMBERS[name]
            path = tuple(Member(e.at, member) for member in members)
            return kernel_text(Cast(e.at, value, record, path=path), definition, at_return=at_return)
        case Call(name="returnval", args=()) if at_return:
            return "$retval"
        case Call(name=name, args=(value,)) if name in AT_ADDRESS:
            return memory_text(value, definition, user=name.startswith("user"), at_return=at_return)
    found = address_of(e, definition)
    if found is not None and found.base is not e:
        return found.value_text(lambda base: kernel_text(base, definition, at_return=at_return))
    raise ScriptError(
        "the kernel's memory is read when the probe is hit: this value is only known later",
        e.at,
        hint="begin with a variable of the probe and add constants: $x->member, "
        '@cast($x + 8, "type")->member; a local is set once, before it is used',
    )


def memory_text(e: Expr, definition: Definition, *, user: bool, at_return: bool) -> str:
    """Return the text of the memory at an address. Raises ScriptError as `kernel_text` does."""

    def text(base: Expr) -> str:
        return kernel_text(base, definition, at_return=at_return)

    found = address_of(e, definition)
    if found is None:
        return text(e)  # which says what is wrong with it
    return found.memory_text(text, user=user)


def refuse_kernel_write(target: Expr) -> None:
    """Raise ScriptError if the target of an assignment is a variable of the kernel."""
    if isinstance(target, Target | Cast):
        raise ScriptError(
            "nothing is written to the kernel",
            target.at,
            hint="SystemTap's guru mode could; ktrace only looks",
        )


def _target(e: Target, definition: Definition, at_return: bool) -> str:
    if e.variable:
        return _address(e.address) + "@" + e.name.partition("@")[0] + path_text(e.path, definition)
    name = e.name
    if name == "return":
        if not at_return:
            raise ScriptError("$return is known at a function's return", e.at, hint="...function(...).return")
        name = "$retval"
    elif re.fullmatch(r"arg\d+", name):
        name = "$" + name
    return _address(e.address) + name + path_text(e.path, definition)


def _cast(e: Cast, definition: Definition, at_return: bool) -> str:
    if e.type is None:
        return _address(e.address) + _joined(
            kernel_text(e.value, definition, at_return=at_return), path_text(e.path, definition)
        )
    inner = kernel_text(e.value, definition, at_return=at_return)
    if not e.path:
        return inner
    return f"{_address(e.address)}(({type_name(e.type)} *){inner}){path_text(e.path, definition)}"


def type_name(text: str) -> str:
    """Return the name of a type as C spells it; a bare name is that of a struct."""
    kind = re.sub(r"\s+", " ", text.replace("&", "")).strip().rstrip("* ")
    if not kind.startswith(("struct ", "union ", "const ")) and c_integer(kind.split()) is None:
        kind = f"struct {kind}"
    return kind


def _joined(inner: str, path: str) -> str:
    return inner.removeprefix("&") + path


def _address(wanted: bool) -> str:
    return "&" if wanted else ""


def path_text(path: Path, definition: Definition) -> str:
    """Return a path as text, such as `->a->b[1]`. An index may be a local that is a constant."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, Member):
            parts.append("->" + step.name)
        else:
            assert isinstance(step, Item)
            index = address_of(step.index, definition)
            if index is None or index.base is not None or index.offset < 0:
                raise ScriptError(
                    "an index into the kernel's memory is a constant: it is read at the probe",
                    step.at,
                    hint="name each element: $x[0], $x[1]",
                )
            parts.append(f"[{index.offset}]")
    return "".join(parts)


def without_pretty(e: Target | Cast) -> Target | Cast:
    """Return the same expression, read as a number."""
    return replace(e, pretty="")
