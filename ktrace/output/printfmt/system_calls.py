"""The text of system calls, which the kernel does not make from their `print fmt`.

    sys_read(fd: 3, buf: 7ffe5a0c, count: 340)            kernels that record only numbers
    sys_read(fd: 3, buf: 0x7ffe5a0c, count: 0x340)        kernels that also record what arguments point at
    sys_access(filename: 0x55d0 "/etc/passwd", mode: 4)
    sys_write(fd: 1, buf: 0x55d0 (68:69:0a) "hi.", count: 3)
    sys_read -> 0x340

A text that an argument points at is in a separate field, `__NAME_val`.
"""

from collections.abc import Iterator

from ktrace.model.format import Field, Format
from ktrace.output.printfmt.cint import MACHINE, Machine
from ktrace.output.printfmt.parser import parse_print_fmt
from ktrace.output.printfmt.template import Spec, split
from ktrace.output.printfmt.tree import FieldOf, Node

# Conversions that do not occur in templates: see `ktrace.output.printfmt.spell`.
_NUMBER = Spec("number", None, None, None, "", "")
_MODE = Spec("mode", None, "*", None, "", "")
_DATA = Spec("data", None, "*", None, "", "")

# The flags with which the kernel prints a mode: O_CREAT, and O_TMPFILE, which includes O_DIRECTORY.
_MAKES = 0o100 | 0o20200000

Parts = tuple[tuple[str | Spec, ...], tuple[Node, ...]]
"""Literal texts and conversions, and the arguments of the conversions."""


def is_system_call(event: Format) -> bool:
    """Return whether the event is the enter or exit of a system call."""
    return event.system == "syscalls" and event.args[:1] != () and "syscall_nr" in event.args[0].name


def system_call(event: Format, *, texts: bool, machine: Machine = MACHINE) -> Parts:
    """Return the template by which the kernel prints a system call.

    Args:
        texts: whether this kernel records the texts that arguments point at.
    """
    if event.name.startswith("sys_exit_"):
        name = event.name.removeprefix("sys_exit_")
        return tuple(split(f"sys_{name} -> 0x%lx", machine)), tuple(
            FieldOf(arg.name) for arg in event.args[1:]
        )
    values = {arg.name: arg for arg in event.args if _is_value(arg)}
    texts = texts or bool(values)
    name = event.name.removeprefix("sys_enter_")
    args = [arg for arg in event.args[1:] if not _is_value(arg)]
    parts: list[str | Spec] = [f"sys_{name}("]
    nodes: list[Node] = []
    if name == "openat" and values:
        parts, nodes = _openat(event, args)
    else:
        for index, arg in enumerate(args):
            parts.append(f"{', ' if index else ''}{arg.name}: ")
            parts += [_NUMBER] if texts else split("%lx", machine)
            nodes.append(FieldOf(arg.name))
            value = values.get(f"__{arg.name}_val")
            if value is None:
                continue
            if event.is_data(value) and index + 1 < len(args):
                # The next argument is the number of bytes; the kernel records only the first of them.
                parts += [" ", _DATA]
                nodes += [FieldOf(args[index + 1].name), FieldOf(value.name)]
            elif value.is_text:
                parts += split(' "%s"')
                nodes.append(FieldOf(value.name))
    return tuple(_joined([*parts, ")"])), tuple(nodes)


def _is_value(field: Field) -> bool:
    return field.name.startswith("__") and field.name.endswith("_val")


def _openat(event: Format, args: list[Field]) -> tuple[list[str | Spec], list[Node]]:
    """Return the template of openat: flags by name, and a mode only if it creates a file.

    No other system call has a special text.
    """
    dfd, filename, flags, mode = (arg.name for arg in args)
    *_, read_only, names, _ = parse_print_fmt(event.print_fmt).args
    template = f'sys_openat({dfd}: %lu, {filename}: %lu "%s", {flags}: %s%s'
    nodes = [FieldOf(dfd), FieldOf(filename), FieldOf(f"__{filename}_val"), read_only, names]
    return [*split(template), _MODE], [*nodes, FieldOf(flags), FieldOf(mode)]


def _joined(parts: list[str | Spec]) -> Iterator[str | Spec]:
    """Join adjacent literal texts."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        text = ""
        yield part
    yield text


def spell_special(conversion: str, value: object, stars: tuple[int, ...]) -> str | None:
    """Format a value by one of the conversions above; return None for any other conversion."""
    match conversion, value:
        case "number", int():
            bits = value & 0xFFFFFFFFFFFFFFFF
            return str(bits) if bits < 10 else f"0x{bits:x}"
        case "mode", int():
            return f", mode: 0{value & 0xFFFFFFFF:03o}" if stars[0] & _MAKES else ""
        case "data", str():
            data = value.encode("utf-8", "surrogateescape")
            more = len(data) < stars[0] & 0xFFFFFFFFFFFFFFFF
            shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
            codes = f"({data.hex(':')}{', ...' if more else ''})"
            # If no byte is a printable character, only the codes are shown.
            readable = any(32 <= byte < 127 for byte in data)
            return f'{codes} "{shown}"{"..." if more else ""}' if readable else codes
    return None
