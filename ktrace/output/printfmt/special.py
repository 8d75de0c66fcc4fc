"""Events whose text the kernel does not make from their `print fmt`.

These are the events of the tracers (`ftrace/*`), system calls, and synthetic events.
"""

from dataclasses import dataclass, replace

from ktrace.model.format import MESSAGE, Format
from ktrace.model.lookups import NO_LOOKUPS, Lookups
from ktrace.output.printfmt.cint import MACHINE, Machine
from ktrace.output.printfmt.parser import PrintFmt, parse_print_fmt
from ktrace.output.printfmt.system_calls import is_system_call, system_call
from ktrace.output.printfmt.template import Spec, split
from ktrace.output.printfmt.tracers import GRAPHS, PRINT_FMTS, WITH_ARGUMENTS


@dataclass(frozen=True, slots=True)
class Wording:
    """The template of an event's body.

    Attributes:
        parts: literal texts, and conversions for the arguments.
        print_fmt: contains the arguments.
        titled: whether the event's name precedes the body.
        lines: the field whose text may end with its own newline; None for most events.
    """

    parts: tuple[str | Spec, ...]
    print_fmt: PrintFmt
    titled: bool = True
    lines: str | None = None


_TRACERS = {
    "print": '"%pn: %s", REC->ip, REC->buf',
    **dict.fromkeys(("bprint", "bputs"), f'"%pn: %s", REC->ip, REC->{MESSAGE}'),
    "raw_data": '"# %x buf:%s%s", REC->id, __get_dynamic_array_len(buf) ? " " : "", '
    "__print_hex(REC->buf, 65536)",
    "function": '"%pn <-%pn", REC->ip, REC->parent_ip',
    **PRINT_FMTS,
}
_LINES = {"print": "buf", "bprint": MESSAGE, "bputs": MESSAGE}
"""The column of each tracer whose text may end with its own newline."""


def wording(event: Format, lookups: Lookups = NO_LOOKUPS) -> Wording:
    """Return the template by which the kernel prints an event.

    Raises:
        NotUnderstood: the parser does not understand its `print fmt`.
    """
    machine = Machine(lookups.long, lookups.big_endian)
    if event.system == "ftrace" and event.name in WITH_ARGUMENTS and _has_arguments(event):
        return _wording(WITH_ARGUMENTS[event.name], machine, titled=event.name in GRAPHS)
    if event.system == "ftrace" and event.name in _TRACERS:
        found = _wording(_TRACERS[event.name], machine, titled=False)
        return replace(found, lines=_LINES.get(event.name))
    if event.system == "ftrace" and event.name in GRAPHS:
        return _wording(GRAPHS[event.name], machine)
    if is_system_call(event):
        spelled, args = system_call(event, texts=lookups.call_texts, machine=machine)
        return Wording(spelled, PrintFmt("", args), titled=False)
    found = _wording(event.print_fmt, machine)
    if event.system == "synthetic":
        # The `print fmt` has commas between fields; the kernel prints none.
        parts = [part.replace(", ", " ", 1) if isinstance(part, str) and part.startswith(", ") else part
                 for part in found.parts]  # fmt: skip
        return replace(found, parts=tuple(parts))
    return found


def _has_arguments(event: Format) -> bool:
    return any(field.name == "args" and field.shape == "array" for field in event.args)


def _wording(text: str, machine: Machine = MACHINE, titled: bool = True) -> Wording:
    print_fmt = parse_print_fmt(text, machine)
    return Wording(tuple(split(print_fmt.template, machine)), print_fmt, titled)
