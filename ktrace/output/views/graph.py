"""Write call trees as text and as JSON Lines.

In the text, each line is a call: its duration, then its function, indented by its depth. Long calls are
marked as the kernel marks them, and coloured on a terminal:

    +  more than 10 us    !  100 us    #  1 ms    *  10 ms    @  100 ms    $  1 s
"""

import json
from collections.abc import Callable, Iterator
from typing import BinaryIO

from ktrace.diagnostic import visible
from ktrace.model.batch import Lost
from ktrace.model.calltree import Call, Gap, Tree
from ktrace.model.muted import Muted
from ktrace.output.formats.jsonl import SCHEMA

Symbol = Callable[[int], str]
"""Returns the name of the function at an address."""

_MARKS = (  # longer than this many ns, the mark, its style on a terminal
    (1_000_000_000, "$", "1;31"),
    (100_000_000, "@", "1;31"),
    (10_000_000, "*", "31"),
    (1_000_000, "#", "31"),
    (100_000, "!", "33"),
    (10_000, "+", ""),
)
_DURATION = 16  # columns
_INDENT = "  "
_ERRNO_MAX = 4095


class CallText:
    """Writes trees as text.

    Args:
        out: a binary file.
        symbol: returns the name of the function at an address.
        colour: whether to use colours.
    """

    def __init__(self, out: BinaryIO, symbol: Symbol, *, colour: bool = False) -> None:
        self._out = out
        self._symbol = symbol
        self._colour = colour

    def tree(self, tree: Tree) -> None:
        """Write a line about the task, then one for each call."""
        root = tree.root
        seconds, rest = divmod(root.ts, 1_000_000_000)
        head = f"{visible(tree.comm)}-{tree.pid}  CPU {root.cpu}  {seconds}.{rest // 1000:06d}"
        lines = [self._styled(head, "1"), *self._calls(tree)]
        if tree.omitted:
            lines.append(f"{'':{_DURATION}}   [{tree.omitted} CALLS NOT KEPT]")
        self._out.write(("\n".join(lines) + "\n\n").encode())

    def unread(self, count: int) -> None:
        """Write that records were left in the kernel's buffer."""
        self._out.write(f"[{count} RECORDS LEFT UNREAD]\n".encode())

    def lost(self, lost: Lost) -> None:
        """Write that the kernel overwrote records."""
        self._out.write(f"CPU:{'?' if lost.cpu is None else lost.cpu} {_lost(lost.count)}\n".encode())

    def muted(self, muted: Muted) -> None:
        """Write that calls of some functions cannot be followed."""
        self._out.write(f"[{visible(muted.to_text('CANNOT'))}]\n".encode())

    def flush(self) -> None:
        """Flush the file's buffer."""
        self._out.flush()

    def _calls(self, tree: Tree) -> Iterator[str]:
        depth = 0
        for here, caller in tree.walk():
            if isinstance(here, Gap):
                depth = caller.depth + 1 if caller else 0
                yield f"{'':{_DURATION}}   {_INDENT * depth}{_lost(here.count)}"
                continue
            yield self._duration(here.duration) + "  " + self._named(here)

    def _named(self, call: Call) -> str:
        text = f" {_INDENT * call.depth}{visible(self._symbol(call.func))}"
        return text if call.retval is None else f"{text} = {_returned(call.retval)}"

    def _duration(self, duration: int | None) -> str:
        if duration is None:
            return f"{'not returned':>{_DURATION}}"
        text = f"{duration // 1000}.{duration % 1000:03d} us"
        for least, mark, style in _MARKS:
            if duration > least:
                return self._styled(f"{mark} {text:>{_DURATION - 2}}", style)
        return f"{text:>{_DURATION}}"

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour and style else text


class CallJson:
    """Writes trees as JSON Lines: a record for each call, callers before what they call.

    Args:
        out: a binary file.
        symbol: returns the name of the function at an address.
    """

    def __init__(self, out: BinaryIO, symbol: Symbol) -> None:
        self._out = out
        self._symbol = symbol
        self._next = 0

    def tree(self, tree: Tree) -> None:
        """Write all calls and gaps of a tree."""
        idents: dict[int, int] = {}
        lines = []
        for here, caller in tree.walk():
            parent = idents[id(caller)] if caller is not None else None
            record: dict[str, object]
            if isinstance(here, Gap):
                record = {"type": "call_gap", "parent": parent, "count": here.count}
            else:
                idents[id(here)] = self._next
                record = self._record(tree, here, parent)
                self._next += 1
            lines.append(_line(record))
        self._out.write("".join(lines).encode())

    def lost(self, lost: Lost) -> None:
        """Write that the kernel overwrote records."""
        self._out.write(_line({"type": "lost", "cpu": lost.cpu, "count": lost.count}).encode())

    def unread(self, count: int) -> None:
        """Write that records were left in the kernel's buffer."""
        self._out.write(_line({"type": "unread", "count": count}).encode())

    def muted(self, muted: Muted) -> None:
        """Write that calls of some functions cannot be followed."""
        self._out.write(_line({"type": "muted", **muted.to_json()}).encode())

    def flush(self) -> None:
        """Flush the file's buffer."""
        self._out.flush()

    def _record(self, tree: Tree, call: Call, parent: int | None) -> dict[str, object]:
        record: dict[str, object] = {
            "type": "call",
            "ts": call.ts,
            "cpu": call.cpu,
            "pid": tree.pid,
            "comm": tree.comm,
            "id": self._next,
            "parent": parent,
            "depth": call.depth,
            "func": self._symbol(call.func),
            "duration_ns": call.duration,
        }
        if call.retval is not None:
            record["retval"] = call.retval
        if parent is None and tree.incomplete:
            record["incomplete"] = True
        if parent is None and tree.omitted:
            record["omitted"] = tree.omitted
        return record


def _line(record: dict[str, object]) -> str:
    return json.dumps({"schema": SCHEMA, **record}, separators=(",", ":")) + "\n"


def _lost(count: int | None) -> str:
    return f"[LOST {'' if count is None else f'{count} '}EVENTS]"


def _returned(value: int) -> str:
    """Return a return value as the kernel prints it.

    Errors are negative numbers, small numbers are decimal, all others are hexadecimal.
    """
    if value > (1 << 64) - 1 - _ERRNO_MAX:
        return str(value - (1 << 64))
    return str(value) if value < 1 << 16 else f"0x{value:x}"
