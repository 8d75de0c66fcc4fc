"""Records as the kernel's own text would look, safe to print on a terminal.

The same columns as `trace_pipe`, but what could steer a terminal is written as an escape: see
`ktrace.diagnostic.visible`. To read it back by program, use JSON Lines.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO, assert_never

from ktrace.diagnostic import visible
from ktrace.model.batch import Batch, Chunk, Column, Lost, Mark, Missed, Stack, Strings, Unparsed
from ktrace.model.format import PrintAs
from ktrace.output.order import in_order

_SPELL: dict[PrintAs, Callable[[object], str]] = {
    "dec": str,
    "hex": lambda value: f"0x{value:x}",
    "str": lambda value: f'"{visible(str(value))}"',
    "char": lambda value: f"'{visible(str(value))}'",
    "sym": lambda value: visible(str(value)),
}


class Text:
    """Writes each chunk as lines of text.

    Args:
        out: a binary file, or whatever has its `write`.
        names: by event, then by argument: names of an enum's values, printed in place of the numbers.
    """

    def __init__(
        self, out: BinaryIO, names: Mapping[str, Mapping[str, Mapping[int, str]]] | None = None
    ) -> None:
        self._out = out
        self._names = names or {}

    def write(self, chunk: Chunk) -> None:
        """Write all records and marks of `chunk`."""
        lines = in_order(chunk, self._lines, _mark)
        if lines:
            self._out.write("".join(lines).encode())

    def flush(self) -> None:
        """Hand on what the file has buffered."""
        self._out.flush()

    def _lines(self, batch: Batch) -> Iterable[str]:
        return _lines(batch, self._names.get(batch.event, {}))


def _lines(batch: Batch, names: Mapping[str, Mapping[int, str]]) -> Iterable[str]:
    tgids = [None] * len(batch) if batch.tgid is None else batch.tgid.tolist()
    heads = map(
        _head,
        _visible(batch.comm),
        batch.pid.tolist(),
        tgids,
        batch.cpu.tolist(),
        _visible(batch.flags),
        batch.ts.tolist(),
        [batch.ticks] * len(batch),
    )
    name = visible(batch.event)
    if batch.kind == "text":
        body = batch["body"]
        assert isinstance(body, Strings)
        return (f"{head}{name}: {text}\n" for head, text in zip(heads, _visible(body), strict=True))
    places = _places(batch)
    kinds = {arg.name: arg.print_as for arg in batch.signature.args} if batch.signature else {}
    cells = [_cells(key, column, kinds.get(key), names.get(key, {})) for key, column in batch.columns.items()]
    rows = zip(*cells, strict=True) if cells else [()] * len(batch)
    return (
        f"{head}{name}:{place}{''.join(row)}\n" for head, place, row in zip(heads, places, rows, strict=True)
    )


def _head(comm: str, pid: int, tgid: int | None, cpu: int, flags: str, ts: int, ticks: bool) -> str:
    group = "" if tgid is None else f"({tgid:7d}) " if tgid else "(-------) "
    time = f"{ts:12d}" if ticks else f"{ts // 1_000_000_000:5d}.{ts % 1_000_000_000 // 1000:06d}"
    return f"{comm:>16}-{pid:<7d} {group}[{cpu:03d}] {flags} {time}: "


def _places(batch: Batch) -> list[str]:
    if batch.place is not None:
        return [f" ({place})" for place in _visible(batch.place)]
    if batch.func is not None and batch.ret_ip is not None:
        pairs = zip(_visible(batch.ret_ip), _visible(batch.func), strict=True)
        return [f" ({site} <- {func})" for site, func in pairs]
    return [""] * len(batch)


def _cells(name: str, column: Column, kind: PrintAs | None, names: Mapping[int, str]) -> list[str]:
    """` name=value` for each row."""
    prefix = f" {visible(name)}="
    if isinstance(column, Strings):
        values = [prefix + _value(value, kind) for value in column.values]
        return [values[code] for code in column.codes.tolist()]
    if names:
        return [prefix + _named(value, kind, names) for value in column.tolist()]
    return [prefix + _value(value, kind) for value in column.tolist()]


def _named(value: object, kind: PrintAs | None, names: Mapping[int, str]) -> str:
    """A value that may have a name: as the kernel's headers spell it."""
    if isinstance(value, list):
        return "{" + ",".join(_named(item, kind, names) for item in value) + "}"
    name = names.get(value) if isinstance(value, int) else None
    return _value(value, kind) if name is None else visible(name)


def _value(value: object, kind: PrintAs | None) -> str:
    if value is None:
        return "(fault)"
    if isinstance(value, list):
        return "{" + ",".join(_value(item, kind) for item in value) + "}"
    return _SPELL[kind or ("str" if isinstance(value, str) else "dec")](value)


def _visible(strings: Strings) -> list[str]:
    values = [visible(value) if value is not None else "(fault)" for value in strings.values]
    return [values[code] for code in strings.codes.tolist()]


def _mark(mark: Mark) -> str:
    match mark:
        case Lost(cpu=cpu, count=count):
            where = "CPU:?" if cpu is None else f"CPU:{cpu}"
            return f"{where} [LOST {'' if count is None else f'{count} '}EVENTS]\n"
        case Missed(event=event, count=count):
            return f"{visible(event)} [MISSED {count} HITS]\n"
        case Unparsed(line=line):
            return visible(line.decode("utf-8", "surrogateescape")) + "\n"
        case Stack():
            tgid = mark.tgid
            head = _head(
                visible(mark.comm), mark.pid, tgid, mark.cpu, visible(mark.flags), mark.ts, mark.ticks
            )
            title = "<user stack trace>" if mark.user else "<stack trace>"
            # The kernel sets addresses of user space off by one more blank.
            frames = (f" => {' ' * frame.startswith('<')}{visible(frame)}\n" for frame in mark.frames)
            return f"{head}{title}\n{''.join(frames)}"
    assert_never(mark)
