"""Events whose text the kernel does not make from their `print fmt`.

Those of the tracers themselves (`ftrace/*`), system calls, and synthetic events.
"""

from dataclasses import dataclass, replace

from ktrace.model.format import Format
from ktrace.output.printfmt.parser import PrintFmt, parse_print_fmt
from ktrace.output.printfmt.template import Spec, split
from ktrace.output.printfmt.tree import FieldOf, Node


@dataclass(frozen=True, slots=True)
class Wording:
    """How an event's body is spelled.

    Attributes:
        parts: literal text, and conversions of the arguments.
        print_fmt: where the arguments are.
        titled: whether the event's name stands before it.
        lines: the field whose text brings the end of its line with it; None for most.
    """

    parts: tuple[str | Spec, ...]
    print_fmt: PrintFmt
    titled: bool = True
    lines: str | None = None


_TRACERS = {
    "print": '"%pn: %s", REC->ip, REC->buf',
    "bputs": '"%pn: %s", REC->ip, REC->str',
    "function": '"%pn <-%pn", REC->ip, REC->parent_ip',
    "hwlat": '"#%-5u inner/outer(us): %4llu/%-5llu ts:%lld.%09ld count:%d%s", REC->seqnum, REC->duration, '
    "REC->outer_duration, REC->tv_sec, REC->tv_nsec, REC->count, "
    'REC->nmi_count ? "(?)" : ""',
}


def wording(event: Format) -> Wording:
    """How the kernel spells an event.

    Raises:
        NotUnderstood: its `print fmt` is beyond the parser.
    """
    if event.system == "ftrace" and event.name in _TRACERS:
        found = _wording(_TRACERS[event.name], titled=False)
        return replace(found, lines="buf" if event.name == "print" else None)
    if event.system == "syscalls" and event.args[:1] and "syscall_nr" in event.args[0].name:
        return _syscall(event)
    found = _wording(event.print_fmt)
    if event.system == "synthetic":
        # Written with commas between its fields, printed without.
        parts = [part.replace(", ", " ", 1) if isinstance(part, str) and part.startswith(", ") else part
                 for part in found.parts]  # fmt: skip
        return replace(found, parts=tuple(parts))
    return found


def _wording(text: str, titled: bool = True) -> Wording:
    print_fmt = parse_print_fmt(text)
    return Wording(tuple(split(print_fmt.template)), print_fmt, titled)


def _syscall(event: Format) -> Wording:
    """`sys_read(fd: 3, buf: 7ffe...)` and `sys_read -> 0x10`.

    Newer kernels keep the text that an argument points at in a field of its own, `__NAME_val`.
    """
    texts = {arg.name: arg for arg in event.args if arg.name.startswith("__") and arg.name.endswith("_val")}
    args = [arg for arg in event.args[1:] if arg.name not in texts]
    shown: list[Node] = []
    spelled = []
    for arg in args:
        shown.append(FieldOf(arg.name))
        text = texts.get(f"__{arg.name}_val")
        has_text = text is not None and text.is_text
        spelled.append(f'{arg.name}: %lx "%s"' if has_text else f"{arg.name}: %lx")
        if has_text:
            shown.append(FieldOf(f"__{arg.name}_val"))
    if event.name.startswith("sys_exit_"):
        template = f"sys_{event.name.removeprefix('sys_exit_')} -> 0x%lx"
    else:
        template = f"sys_{event.name.removeprefix('sys_enter_')}({', '.join(spelled)})"
    return Wording(tuple(split(template)), PrintFmt(template, tuple(shown)), titled=False)
