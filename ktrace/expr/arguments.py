"""Translate the arguments of a probe from the user's spelling to the kernel's.

The kernel can spell `file->f_pos` in two ways. By names, it is easy to read, but needs a kernel with BTF
arguments. By registers, `+0x40(%di)`, it works everywhere. Both read the same value.
"""

from dataclasses import dataclass, replace
from typing import Literal

from ktrace.errors import UsageError
from ktrace.expr.parser import parse
from ktrace.expr.problems import wrong
from ktrace.expr.reading import TypedRead, read
from ktrace.expr.resolve import Resolver
from ktrace.expr.scope import Scope
from ktrace.expr.source import Site, TypeSource
from ktrace.expr.tree import Argument, Name, Special
from ktrace.expr.value import Value
from ktrace.expr.variables import parameters
from ktrace.model.ctype import CType, Param, Pointer, Qualified, Record, Void, bare, points_to_text
from ktrace.model.fetch import ALL_ARGS, FetchArg, name_args
from ktrace.model.fetch_types import is_text
from ktrace.model.miss import Miss
from ktrace.model.names import ARG_MAX, RESERVED_ARGS, to_identifier
from ktrace.model.path_parts import SUFFIX_MAX, part_name

Spelling = Literal["own", "btf", "registers"]

EVERY_PARAMETER = "$args"
_NUMBER_SIZE = 8  # bytes of the largest number


@dataclass(frozen=True, slots=True)
class Resolved:
    """One argument, ready to be written.

    Attributes:
        arg: the argument in the kernel's grammar.
        ctype: its C type; None if unknown.
        names: (value, name) pairs of an enum, so that output can print the names.
        word: as in `TypedRead`.
        parts: further arguments with the rest of a path, each named by the suffix to its name.
        spelling: `own` if the user wrote it in the kernel's grammar, else how it was spelled.
    """

    arg: FetchArg
    ctype: CType | None = None
    names: tuple[tuple[int, str], ...] = ()
    spelling: Spelling = "own"
    word: str | None = None
    parts: tuple[FetchArg, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """All arguments of a probe; `notes` lists the parameters that `$args` left out."""

    args: tuple[Resolved, ...]
    notes: tuple[str, ...] = ()


def to_registers(text: str, site: Site, types: TypeSource | Miss) -> Resolved:
    """Translate an argument to registers and offsets, which every kernel accepts.

    Raises:
        UsageError: the argument is wrong; the caret is at the wrong part.
        NotFound: there is no function or type of that name.
        Unavailable: the argument needs types, and there are none.
    """
    argument = parse(text)
    if isinstance(argument.node, FetchArg):
        return Resolved(argument.node)
    return _by_registers(_read(argument, site, types), argument, site)


def to_kernel_btf(text: str, site: Site, types: TypeSource | Miss) -> Resolved | Miss:
    """Translate an argument to names, for kernels with BTF arguments. A `Miss` says why it cannot be.

    Raises:
        As `to_registers`.
    """
    argument = parse(text)
    if isinstance(argument.node, FetchArg):
        return Resolved(argument.node)
    return _by_names(_read(argument, site, types), argument, site)


def resolve(texts: tuple[str, ...], site: Site, types: TypeSource | Miss) -> Resolution:
    """Translate all arguments of a probe to a spelling that the kernel accepts, with unique names.

    `$args` expands to every parameter of the function.

    Raises:
        As `to_registers`.
    """
    found: list[Resolved] = []
    chosen: list[str | None] = []
    notes: list[str] = []
    for text in texts:
        if text.strip() == EVERY_PARAMETER:
            args, left_out = _every_parameter(site, types)
            found += args
            notes += left_out
            chosen += [None] * len(args)
        elif text.strip() == ALL_ARGS:
            found.append(Resolved(FetchArg(ALL_ARGS)))
            chosen.append(None)
        else:
            argument = parse(text)
            own = argument.node.name if isinstance(argument.node, FetchArg) else argument.name
            if own in chosen and own is not None:
                raise wrong(text, 0, f"two arguments are called '{own}'")
            found.append(_best(argument, site, types))
            chosen.append(own)
    named = _with_names(found, chosen)
    return Resolution(tuple(one for resolved in named for one in _with_parts(resolved)), tuple(notes))


def _best(argument: Argument, site: Site, types: TypeSource | Miss) -> Resolved:
    if isinstance(argument.node, FetchArg):
        return Resolved(argument.node)
    reading = _read(argument, site, types)
    try:
        named = _by_names(reading, argument, site)
    except UsageError:  # too long with names; offsets may be shorter
        return _by_registers(reading, argument, site)
    return _by_registers(reading, argument, site) if isinstance(named, Miss) else named


def _read(argument: Argument, site: Site, types: TypeSource | Miss) -> tuple[Value, TypedRead]:
    scope = Scope(argument.text, site, types)
    assert not isinstance(argument.node, FetchArg)
    value = Resolver(scope).value(argument.node)
    if isinstance(value.kind, Record) and value.kind.size <= _NUMBER_SIZE:
        value = _only_member(value, scope)
    return value, read(value, argument, scope)


def _by_registers(found: tuple[Value, TypedRead], argument: Argument, site: Site) -> Resolved:
    reading = found[1]
    _check_depth(reading.value.depth(), argument, site)
    shorter = reading.value.to_text(decimal=True)
    text = reading.value.to_text()
    if len(_body(text, reading.type)) > site.body_max:
        text = shorter
    return _finish(text, reading.type, found, argument, site, "registers")


def _by_names(found: tuple[Value, TypedRead], argument: Argument, site: Site) -> Resolved | Miss:
    _, reading = found
    features, path = site.features, reading.path
    if not features.btf_args:
        return Miss("the kernel", "it does not know parameters by name")
    if path is None:
        return Miss("the kernel", "its grammar has no spelling for this expression")
    if not features.btf_members and ("->" in path or is_text(reading.path_type)):
        return Miss("the kernel", "it does not know members")
    if path != "$retval" and (site.nth or 1) > 1:
        return Miss("the kernel", "it takes the first of several functions")
    if site.function and "." in site.function:
        return Miss("the kernel", "it knows no parameters of functions with a compiler's suffix")
    _check_depth(reading.value.depth(), argument, site)
    return _finish(path, reading.path_type, found, argument, site, "btf")


def _finish(
    text: str,
    type_: str | None,
    found: tuple[Value, TypedRead],
    argument: Argument,
    site: Site,
    spelling: Spelling,
) -> Resolved:
    value, reading = found
    body = _body(text, type_)
    if len(body) > site.body_max:
        raise wrong(
            argument.text,
            getattr(argument.node, "at", 0),
            f"too long: the kernel takes {site.body_max} characters, this is {len(body)}: {body}",
            "read an inner pointer at one probe and what it points to at another, further inside",
        )
    name = argument.name or to_identifier(value.label, ARG_MAX)
    return Resolved(
        FetchArg(text, name, type_), value.type, reading.names, spelling, reading.word, _parts(reading, site)
    )


def _parts(reading: TypedRead, site: Site) -> tuple[FetchArg, ...]:
    """Return the arguments for the rest of a path, as far as the kernel takes them."""
    found = []
    full: set[str] = set()
    for suffix, value in reading.parts:
        arg = FetchArg(value.to_text(decimal=True), suffix, "string")
        fits = len(_body(arg.expr, arg.type)) <= site.body_max and value.depth() <= site.deref_max
        if not fits:
            full.add(suffix[0])
        elif suffix[0] not in full:
            found.append(arg)
    if full & set("pqm") - {(one.name or "")[0] for one in found}:
        return ()  # without the mount, a path would seem to end where its filesystem does
    return tuple(found)


def _with_parts(resolved: Resolved) -> list[Resolved]:
    """Return an argument, and those with the rest of its path."""
    name = resolved.arg.name
    if not resolved.parts or name is None:
        return [resolved]
    short = name[: ARG_MAX - SUFFIX_MAX]
    parts = []
    for one in resolved.parts:
        suffix = one.name or ""
        parts.append(replace(one, name=part_name(short, suffix[0], int(suffix[1:]))))
    own = replace(resolved, arg=replace(resolved.arg, name=short), parts=())
    return [own, *(Resolved(one, spelling="registers") for one in parts)]


def _body(text: str, type_: str | None) -> str:
    return FetchArg(text, None, type_).to_text()


def _check_depth(depth: int, argument: Argument, site: Site) -> None:
    if depth > site.deref_max:
        raise wrong(
            argument.text,
            getattr(argument.node, "at", 0),
            f"too deep: {depth} pointers are followed, the kernel follows {site.deref_max}",
        )


def _every_parameter(site: Site, types: TypeSource | Miss) -> tuple[list[Resolved], list[str]]:
    """Return all parameters that can be read, and notes that say why others cannot."""
    scope = Scope(EVERY_PARAMETER, site, types)
    args: list[Resolved] = []
    notes: list[str] = []
    if isinstance(site.variables, tuple):
        params = tuple(Param(one.name, one.type or Void()) for one in parameters(site))
    else:
        params = scope.proto(0).params
    for number, param in enumerate(params, start=1):
        node = Name(param.name, 0) if param.name else Special(f"$arg{number}", 0)
        argument = Argument(EVERY_PARAMETER, node, type=_cautious_type(param.type))
        try:
            value = _only_member(Resolver(scope).value(node), scope)
            found = value, read(value, argument, scope)
            named = _by_names(found, argument, site)
            args.append(_by_registers(found, argument, site) if isinstance(named, Miss) else named)
        except UsageError as error:
            notes.append(error.message)
    return args, notes


def _only_member(value: Value, scope: Scope) -> Value:
    """Return the only member of a struct that wraps one number, such as `pte_t`."""
    label = value.label
    resolver = Resolver(scope)
    for _ in range(8):
        kind = value.kind
        if not isinstance(kind, Record):
            break
        members = resolver.members(kind)
        if len(members) != 1 or not members[0].name:
            break
        value = resolver.member(value, members[0].name, 0, 0, arrow=False)
    return replace(value, label=label)


def _cautious_type(ctype: CType) -> str | None:
    """Return the type to print an address for a non-const `char *`: usually a buffer yet to be filled."""
    kind = bare(ctype)
    if isinstance(kind, Pointer) and points_to_text(kind):
        target = kind.target
        while not isinstance(target, Qualified) and hasattr(target, "target"):
            target = target.target
        if not (isinstance(target, Qualified) and target.word == "const"):
            return "x64"
    return None


def _with_names(found: list[Resolved], chosen: list[str | None]) -> tuple[Resolved, ...]:
    """Give each argument a unique name. Names that the user chose (`chosen`) stay."""
    taken = RESERVED_ARGS | {name for name in chosen if name}
    named: list[FetchArg] = []
    for resolved, own in zip(found, chosen, strict=True):
        name = resolved.arg.name
        if name and not own:
            number = 1
            while name in taken:
                number += 1
                name = f"{(resolved.arg.name or '')[: ARG_MAX - 4]}_{number}"
            taken |= {name}
        named.append(replace(resolved.arg, name=name))
    return tuple(
        replace(resolved, arg=arg) for resolved, arg in zip(found, name_args(tuple(named)), strict=True)
    )
