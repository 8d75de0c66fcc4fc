"""The functions that `print fmt`s call: names of flags and values, arrays, fields of varying length.

include/trace/stages/ of the kernel has the list. Each function is computed once for each distinct value.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ktrace.model.c_integer import INT, UINT, ULONG, CInt
from ktrace.model.column import Strings
from ktrace.output.printfmt.bitmaps import bitmap
from ktrace.output.printfmt.cint import Machine
from ktrace.output.printfmt.evaluate import Records, column_of, evaluate
from ktrace.output.printfmt.hex_dump import hex_dump
from ktrace.output.printfmt.tracers import SPELLED
from ktrace.output.printfmt.tree import Binary, Call, FieldOf, Name, Node, Null, Number, Table, Text
from ktrace.output.printfmt.values import Arrays, Ints, Unknown, Value, encoded, texts_of
from ktrace.output.rendering.distinct_values import joined

_MASK = 0xFFFFFFFFFFFFFFFF

Names = list[tuple[int, str]]


def call(node: Call, records: Records) -> Value:
    """Return the value of a call for each record.

    Raises:
        Unknown: only the kernel can compute it.
    """
    function = node.function.replace("__get_rel_", "__get_").replace("__print_rel_", "__print_")
    if function in ("__print_flags", "__print_flags_u64"):
        return _print_flags(node, records)
    if function in ("__print_symbolic", "__print_symbolic_u64"):
        return _print_symbolic(node, records)
    if function == "__print_dynamic_array" and len(node.args) == 2:
        return _dynamic_array(node, records)
    if function == "__print_hex_dump" and len(node.args) == 7:
        return _hex_dump(node, records)
    if function in _IN_CONTEXT and not node.args:
        return evaluate(Binary("&", FieldOf("common_flags"), Number(_IN_CONTEXT[function], INT)), records)
    if function == "__get_dynamic_array_len":
        return _length(node, records)
    if function in _OF_FIELD:
        return _OF_FIELD[function](_field(node, records), records)
    if function in _ARGUMENTS:
        return _arguments(node, records, _ARGUMENTS[function])
    if function == "__ktrace_task":
        return _mapped(list(node.args), lambda pid: records.lookups.task(_number(pid)), records)
    if function in SPELLED:
        return _spelled(*SPELLED[function], node, records)
    if function in _OF_VALUES:
        return _of_values(*_OF_VALUES[function], node.args, records)
    if function == "__print_array":
        return _print_array(node, records)
    if function == "__builtin_constant_p":
        return Ints(0, INT)  # what follows either answer has the same value
    if function in _OF_INT:
        return _OF_INT[function](_int(node, records))
    if function in _ORDERED:
        big_endian, bits = _ORDERED[function]
        same = big_endian == records.machine.big_endian
        return _int(node, records).to(CInt(bits, False)) if same else _swapped(bits)(_int(node, records))
    if function == "strlen" and len(node.args) == 1:
        return _text_length(evaluate(node.args[0], records), records)
    raise Unknown


def _print_flags(node: Call, records: Records) -> Strings:
    if len(node.args) < 2:
        raise Unknown
    delimiter = node.args[1]
    between = delimiter.text if isinstance(delimiter, Text) else ""
    names = _names(node, 2, records)

    word = _word(node, records)

    def spell(flags: object) -> str:
        left = word.wrap(_number(flags))
        texts = []
        for mask, name in names:
            if not left:
                break
            if left & mask == mask:
                texts.append(name)
                left &= ~mask
        if left:
            texts.append(f"0x{left:x}")
        return between.join(texts)

    return _mapped([node.args[0]], spell, records)


def _print_symbolic(node: Call, records: Records) -> Strings:
    if not node.args:
        raise Unknown
    names: dict[int, str] = {}
    for value, name in _names(node, 1, records):
        names.setdefault(value, name)

    word = _word(node, records)

    def spell(value: object) -> str:
        known = word.wrap(_number(value))
        return names.get(known, f"0x{known:x}")

    return _mapped([node.args[0]], spell, records)


def _word(node: Call, records: Records) -> CInt:
    """Return the type of a call's value and of its table's: `unsigned long`, or 64 bits if it says so."""
    return ULONG if node.function.endswith("_u64") else records.machine.word


def _names(node: Call, start: int, records: Records) -> Names:
    """Return the table that a call chooses from.

    An entry whose value only the kernel knows is left out; its number is printed instead, which is also
    correct.
    """
    found = records.tables.get(id(node))
    if found is None:
        found = []
        for entry in node.args[start:]:
            if not isinstance(entry, Table) or len(entry.items) != 2 or isinstance(entry.items[1], Null):
                break  # the end of the table
            try:
                value = evaluate(entry.items[0], records)
            except Unknown:
                continue
            name = entry.items[1]
            if isinstance(value, Ints) and isinstance(value.data, int) and isinstance(name, Text):
                found.append((_word(node, records).wrap(value.data), name.text))
        records.tables[id(node)] = found
    return found


def _mapped(args: list[Node], spell: Callable[..., str | None], records: Records) -> Strings:
    """Call `spell` once for each combination of values that occurs, and return a text for each row."""
    columns = [encoded(evaluate(arg, records), records.rows) for arg in args]
    if len(columns) == 1:
        values, codes = columns[0]
        return Strings(codes, tuple(spell(value) for value in values))  # type: ignore[arg-type]  # codes are int64
    combinations, codes = joined([codes for _, codes in columns], [len(values) for values, _ in columns])
    texts = [
        spell(*(values[i] for (values, _), i in zip(columns, indices, strict=True)))
        for indices in combinations
    ]
    return Strings(codes, tuple(texts))  # type: ignore[arg-type]  # codes are int64


def _of_values(spell: Callable[..., str], wanted: int, args: Sequence[Node], records: Records) -> Strings:
    if len(args) != wanted:
        raise Unknown

    def checked(data: object, *numbers: object) -> str:
        if isinstance(data, str):
            data = data.encode("utf-8", "surrogateescape")
        if not isinstance(data, bytes):
            raise Unknown
        return spell(data, *map(_number, numbers))

    return _mapped(list(args), checked, records)


def _spelled(spell: Callable[..., str], wanted: int, node: Call, records: Records) -> Strings:
    if len(node.args) != wanted:
        raise Unknown
    return _mapped(list(node.args), lambda *values: spell(*(_number(v) & _MASK for v in values)), records)


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise Unknown  # a text or an array instead of a number
    return value


def _hex(between: str) -> Callable[[bytes, int], str]:
    return lambda data, length: between.join(f"{byte:02x}" for byte in data[: max(length, 0)])


def _array(data: bytes, count: int, size: int, machine: Machine) -> str:
    if size not in (1, 2, 4, 8):
        raise Unknown
    pieces = [data[i : i + size] for i in range(0, min(max(count, 0) * size, len(data)), size)]
    return "{" + ",".join(f"0x{int.from_bytes(piece, machine.order):x}" for piece in pieces) + "}"


def _print_array(node: Call, records: Records) -> Strings:
    return _of_values(partial(_array, machine=records.machine), 3, node.args, records)


def _dynamic_array(node: Call, records: Records) -> Strings:
    """Print `__print_dynamic_array(field, size)`: all elements of a field of varying length."""
    field, size = node.args
    if not isinstance(field, Name):
        raise Unknown
    whole = Number(1 << 16, INT)  # more elements than a record holds
    return _of_values(
        partial(_array, machine=records.machine), 3, (FieldOf(field.name), whole, size), records
    )


def _hex_dump(node: Call, records: Records) -> Strings:
    """Print lines of a hex dump, each after a newline, as the kernel's print_hex_dump does."""
    prefix, kind, *rest = node.args
    before = prefix.text if isinstance(prefix, Text) else ""
    with_offset = kind == Name("DUMP_PREFIX_OFFSET") or (isinstance(kind, Number) and kind.value == 2)
    with_address = kind == Name("DUMP_PREFIX_ADDRESS") or (isinstance(kind, Number) and kind.value == 1)
    row, group, data, length, ascii_too = rest

    def spell(data: bytes, length: int, row: int, group: int, ascii_too: int) -> str:
        return hex_dump(data[: max(length, 0)], row, group, records.machine.order, before,
                        with_offset=with_offset, ascii_too=bool(ascii_too))  # fmt: skip

    if with_address:
        raise Unknown  # where the kernel had the bytes
    return _of_values(spell, 5, (data, length, row, group, ascii_too), records)


def _field(node: Call, records: Records) -> Value:
    if len(node.args) != 1 or not isinstance(node.args[0], Name):
        raise Unknown
    return column_of(node.args[0].name, records)


def _as_is(value: Value, _: Records) -> Value:
    return value


def _length(node: Call, records: Records) -> Value:
    """Return the size of each array or text in bytes; that of a text includes its NUL, if it has one."""
    value = _field(node, records)
    measured = records.lengths.get(node.args[0].name) if isinstance(node.args[0], Name) else None
    if measured is not None:
        return Ints(measured.astype(np.int32), INT)
    if isinstance(value, Arrays):
        return value.lengths(records.rows)
    if not isinstance(value, Strings):
        raise Unknown
    lengths = [len((text or "").encode("utf-8", "surrogateescape")) + 1 for text in value.values]
    return Ints(np.array(lengths, np.int32)[value.codes], CInt(32, True))


def _text_length(value: Value, records: Records) -> Ints:
    """Return the number of bytes before the first NUL."""
    if isinstance(value, Ints):
        raise Unknown  # an address
    texts = texts_of(value, records.rows, records.lookups)
    lengths = [len((text or "").encode("utf-8", "surrogateescape")) for text in texts.values]
    return Ints(np.array(lengths, np.uint64)[texts.codes], ULONG)


def _bitmask(value: Value, records: Records) -> Value:
    """Return words of 32 bits in hexadecimal, the highest first."""
    if not isinstance(value, Arrays):
        raise Unknown
    values, codes = value.distinct()
    texts = tuple(bitmap(data, 8 * len(data), records.machine) for data in values)
    return Strings(codes, texts)  # type: ignore[arg-type]  # codes are int64


def _arguments(node: Call, records: Records, nothing: str) -> Strings:
    """Return the arguments of calls in parentheses; `nothing` where none were recorded or described."""
    size, order = records.machine.long, records.machine.order

    def spell(address: object, data: object) -> str:
        if not isinstance(data, bytes) or not data:
            return nothing
        values = [int.from_bytes(data[i : i + size], order) for i in range(0, len(data), size)]
        return records.lookups.arguments(_number(address) & _MASK, values) or nothing

    return _mapped(list(node.args), spell, records)


def _int(node: Call, records: Records) -> Ints:
    value = evaluate(node.args[0], records) if len(node.args) == 1 else None
    if not isinstance(value, Ints):
        raise Unknown
    return value


def _swapped(bits: int) -> Callable[[Ints], Ints]:
    def swap(value: Ints) -> Ints:
        value = value.to(CInt(bits, False))
        if isinstance(value.data, int):
            data = int.from_bytes(value.data.to_bytes(bits // 8, "little"), "big")
            return Ints(data, value.type)
        return Ints(value.data.byteswap(), value.type)

    return swap


def _seconds(value: Ints) -> Ints:
    return Ints.of(value.to(ULONG).data // 1_000_000_000, ULONG)


def _nanoseconds(value: Ints) -> Ints:
    return Ints.of(value.to(ULONG).data % 1_000_000_000, UINT)


_ARGUMENTS = {"__ktrace_arguments": "", "__ktrace_call": "()"}
_IN_CONTEXT = {"__event_in_hardirq": 0x08, "__event_in_softirq": 0x10, "__event_in_irq": 0x18}
"""Functions that test `common_flags`, and the bits that they test."""
_OF_FIELD: dict[str, Callable[[Value, Records], Value]] = {
    "__get_str": _as_is,
    "__get_dynamic_array": _as_is,
    "__get_sockaddr": _as_is,
    "__get_bitmask": _bitmask,
    "__get_cpumask": _bitmask,
}
_OF_VALUES: dict[str, tuple[Callable[..., str], int]] = {  # the function, and its number of arguments
    "__print_hex": (_hex(" "), 2),
    "__print_hex_str": (_hex(""), 2),
}
_OF_INT: dict[str, Callable[[Ints], Ints]] = {
    "__print_ns_to_secs": _seconds,
    "__print_ns_without_secs": _nanoseconds,
    **{
        f"{name}{bits}": _swapped(bits)
        for name in ("__builtin_bswap", "__fswab", "__swab")
        for bits in (16, 32, 64)
    },
}
_ORDERED: dict[str, tuple[bool, int]] = {  # whether the number is big-endian, and its bits
    **{f"{prefix}{order}{bits}_to_cpu": (order == "be", bits)
       for prefix in ("", "__") for order in ("be", "le") for bits in (16, 32, 64)},
    **{f"{prefix}cpu_to_{order}{bits}": (order == "be", bits)
       for prefix in ("", "__") for order in ("be", "le") for bits in (16, 32, 64)},
    **{name: (True, 32 if name.endswith("l") else 16) for name in ("ntohl", "ntohs", "htonl", "htons")},
}  # fmt: skip

FUNCTIONS = frozenset(
    {*_OF_FIELD, *_OF_VALUES, *_OF_INT, *_IN_CONTEXT, *_ORDERED}
    | {"__print_flags", "__print_flags_u64", "__print_symbolic", "__print_symbolic_u64"}
    | {"__print_array", "__print_dynamic_array", "__print_hex_dump", "__builtin_constant_p"}
    | {"__get_dynamic_array_len", "strlen"}
)
"""All functions that are known, without `rel_` in their names, which changes only where the field is."""
