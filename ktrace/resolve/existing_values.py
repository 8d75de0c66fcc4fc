"""Find how the values of an existing probe read: its definition says where each value is, BTF what is there.

    sk_daddr=+0(%di):u32 of tcp_connect     -> the first parameter is a struct sock *, at 0 is skc_daddr

What cannot be found has no meaning: then the number is shown.
"""

import re
from collections.abc import Iterator, Mapping

from ktrace.errors import KtraceError
from ktrace.expr.arguments import resolve
from ktrace.expr.described import whole_type, word_of
from ktrace.expr.scope import Scope
from ktrace.expr.source import Site, TypeSource
from ktrace.expr.value import Value
from ktrace.kernel.kernel import Kernel
from ktrace.model.ctype import CType, Pointer, Record, bare, size_of
from ktrace.model.fetch import FetchArg
from ktrace.model.fetch_types import parse_type
from ktrace.model.filter_values import translate_filter
from ktrace.model.meaning import Names
from ktrace.model.meanings import BIG_ENDIAN, meaning_for, of_filter
from ktrace.model.miss import Miss
from ktrace.model.names import is_identifier
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.model.registers import CONVENTIONS
from ktrace.resolve.arguments import constant_names, value_names
from ktrace.resolve.facts import known_values, with_facts
from ktrace.tracefs.dynevents import list_probes
from ktrace.tracefs.events import read_format

_LOAD = re.compile(r"([+-])u?(0x[0-9a-f]{1,8}|\d{1,9})\(")
_BASE = re.compile(r"(?:%(\w+)|\$arg(\d{1,2}))\)*\Z")
_DEEPEST = 16


def existing_values(probe: Probe, kernel: Kernel) -> dict[str, Names]:
    """Return how the values of a probe's arguments read, by the argument's name."""
    found: dict[str, Names] = dict(known_values(probe.args, probe.kind, kernel.machine))
    place = probe.place
    if not isinstance(place, SymbolPlace) or place.offset or probe.is_return:
        return found
    wanted = [arg for arg in probe.args if arg.name and _is_readable(arg)]
    try:
        types = kernel.types(place.module) if wanted else Miss("", "")
        if isinstance(types, Miss):
            return found
        site = with_facts(Site(place.symbol, machine=kernel.machine, whole=True), kernel)
        params = [param.type for param in Scope("", site, types).proto(0).params]
    except (KtraceError, OSError):
        return found
    for arg in wanted:
        first, *others = list(_readings(arg, params, types, site)) or [dict[int, str]()]
        if first and arg.name and all(one == first for one in others):
            found[arg.name] = first
    return found


def values_of_event(event: str, kernel: Kernel) -> Mapping[str, Names]:
    """Return how a filter may spell the values of an existing event's fields.

    Args:
        event: `GROUP/NAME`.
    """
    try:
        form = read_format(kernel.tracing, event)
    except (KtraceError, OSError):
        return {}  # the kernel then says what is wrong with the filter
    if not form.is_probe:
        return of_filter(form, big=kernel.machine in BIG_ENDIAN)
    points = [one for one in list_probes(kernel.tracing)[0] if one.event == event] if form.args else []
    # One of several points may read something else.
    return existing_values(points[0], kernel) if len(points) == 1 else {}


def translated(event: str, expression: str, kernel: Kernel) -> str:
    """Return a filter of an existing event with the kernel's numbers for the values that a person reads.

    Raises:
        UsageError: as `translate_filter`.
    """
    return translate_filter(expression, values_of_event(event, kernel)) if expression else expression


def _is_readable(arg: FetchArg) -> bool:
    """Return whether an argument may have a meaning: one that is read in hexadecimal is meant as a number."""
    word = parse_type(arg.type or "")
    return word.is_number and (word.count is not None or word.base is None or word.base.print_as == "dec")


def _readings(arg: FetchArg, params: list[CType], types: TypeSource, site: Site) -> Iterator[Names]:
    """Yield how each of the values reads that an argument may read, of those that are not mere numbers."""
    if is_identifier(re.split(r"->|\.", arg.expr)[0]):  # by names, as the kernel knows them
        try:
            resolved = resolve((arg.to_text(),), site, types).args
        except KtraceError:
            return
        yield from (names for one in resolved if (names := value_names(one, site)))
        return
    is_array = parse_type(arg.type or "").count is not None
    for value in _values(arg, params, types, site.machine):
        word = word_of(value, site)
        whole = whole_type(word, site) if word else None
        if word and (whole == arg.type if is_array else whole is None and value.size == _size(arg)):
            meaning = meaning_for(word, site.machine, site.look_up)
            yield from [meaning] if meaning is not None else []
        elif not is_array and value.size == _size(arg) and value.kind is not None:
            yield from [names] if (names := constant_names(value.kind)) else []


def _values(arg: FetchArg, params: list[CType], types: TypeSource, machine: str) -> Iterator[Value]:
    """Yield each value that an argument may read: the members of a union are at the same place."""
    loads = _LOAD.findall(arg.expr)
    base = _BASE.fullmatch(_LOAD.sub("", arg.expr))
    number = _number(base, machine) if base else None
    if number is None or not 0 < number <= len(params):
        return
    reached = [Value(("",), params[number - 1], arg.name or "")]
    for sign, text in reversed(loads):
        offset = int(text, 0) * (-1 if sign == "-" else 1)
        targets = [value.target for value in reached if isinstance(value.kind, Pointer)]
        reached = [value for target in targets if target for value in _at(target, offset, types, "", 0)]
    yield from reached


def _at(ctype: CType, offset: int, types: TypeSource, member: str, depth: int) -> Iterator[Value]:
    """Yield what is at an offset of a type, from the outside inwards."""
    kind = bare(ctype)
    if offset == 0:
        yield Value(("",), ctype, member.rpartition(".")[2], memory=True, member=member)
    if depth > _DEEPEST or not isinstance(kind, Record):
        return
    for one in types.members(kind):
        start, size = one.bit_offset // 8, size_of(one.type) or 0
        if not one.bit_size and start <= offset < start + size:
            outer = kind.name or member.partition(".")[0]
            yield from _at(one.type, offset - start, types, f"{outer}.{one.name or '?'}", depth + 1)


def _number(base: re.Match[str], machine: str) -> int | None:
    """Return the number of the parameter that a fetch argument begins with."""
    if base[2]:
        return int(base[2])
    convention = CONVENTIONS.get(machine)
    return convention.args.index(base[1]) + 1 if convention and base[1] in convention.args else None


def _size(arg: FetchArg) -> int:
    """Return the bytes that an argument reads."""
    base = parse_type(arg.type or "").base
    return base.size if base else 0
