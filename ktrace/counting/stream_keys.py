"""Find the columns to count streamed events by. They are shown in the same way as a histogram's keys."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ktrace.aggregate.columns import KeyColumn, log2_of
from ktrace.aggregate.frames import function_of
from ktrace.aggregate.hist import Term
from ktrace.aggregate.keys import KNOWN
from ktrace.counting.counted_events import CountedEvent, shown_as
from ktrace.errors import Unavailable
from ktrace.host.host import Host
from ktrace.model.tally import Key, Range
from ktrace.session.page_decoder import kernel_symbols
from ktrace.stream.symbol_table import SymbolTable
from ktrace.symbols.syscall_numbers import syscall_names
from ktrace.symbols.syscalls import kernel_name
from ktrace.tracefs.files import Files

_COMMON = {"common_pid": "pid", "common_cpu": "cpu", "cpu": "cpu"}
_U64 = (1 << 64) - 1


def readings(
    tracing: Files, counted: CountedEvent, words: Iterator[str], by: Sequence[str]
) -> list[KeyColumn]:
    """Return the columns for `--by`.

    Args:
        words: the fields of the words that are arguments, in order.

    Raises:
        NotFound: the event has no such field.
        Unavailable: only the kernel itself can format it like that.
    """
    return [_reading(tracing, counted, word, words) for word in by]


def _reading(tracing: Files, counted: CountedEvent, word: str, words: Iterator[str]) -> KeyColumn:
    if word == "comm" and counted.fields.comm:
        return KeyColumn("." + counted.fields.comm)
    if word in KNOWN:
        return KeyColumn(word)
    name = next(words)
    reading = field_reading(tracing, counted, name)
    return replace(reading, show=shown_as(counted.names.get(name), reading.show))


def field_reading(tracing: Files, counted: CountedEvent, text: str) -> KeyColumn:
    """Return the column of a field with an optional modifier, such as `id.syscall`. Raises as `readings`."""
    term = Term.parse(text)
    field = counted.fields.find(term.field)
    column = column_of(field.name)
    match term.modifier:
        case "":
            return KeyColumn(column, _function) if field.name in counted.fields.symbols else KeyColumn(column)
        case "hex":
            return KeyColumn(column, lambda key: key & _U64 if isinstance(key, int) else key)
        case "log2":
            return KeyColumn(column, log2_of)
        case "buckets":
            return KeyColumn(column, lambda key: _bucket(key, term.width))
        case "sym" | "sym-offset":
            return KeyColumn(column, _symbol(tracing.host, offset=term.modifier == "sym-offset"))
        case "syscall":
            return KeyColumn(column, _syscall(tracing))
        case "execname":
            return KeyColumn("comm")
    raise Unavailable(
        f"'.{term.modifier}' is the kernel's own, and this one has no hist triggers",
        hint=f"count by {term.field}",
    )


def column_of(field: str) -> str:
    """Return a field's column, as in `KeyColumn`."""
    return _COMMON.get(field, "." + field)


def _function(key: Key) -> Key:
    return function_of(key) if isinstance(key, str) else key


def _bucket(key: Key, width: int) -> Key:
    if not isinstance(key, int):
        return key
    low = (key & _U64) // width * width
    return Range(low, low + width - 1)


def _symbol(host: Host, *, offset: bool) -> Callable[[Key], Key]:
    table: list[SymbolTable] = []

    def show(key: Key) -> Key:
        if not isinstance(key, int):
            return key
        if not table:
            table.append(kernel_symbols(host))
        address = key & _U64
        return table[0].place(address) if offset else table[0].name(address)

    return show


def _syscall(tracing: Files) -> Callable[[Key], Key]:
    """Return the kernel's name of a system call, which may differ from the call's: `sys_newfstat`."""
    machine = tracing.host.uname().machine
    numbers = syscall_names(machine)

    def show(key: Key) -> Key:
        name = numbers.get(key) if isinstance(key, int) else None
        return "unknown_syscall" if name is None else f"sys_{kernel_name(name, machine)}"

    return show
