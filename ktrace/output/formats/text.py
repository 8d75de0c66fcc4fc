"""Records as the kernel's own text shows them, safe to print on a terminal.

The columns are those of `trace_pipe`, but characters that could control a terminal are written as escapes:
see `ktrace.diagnostic.visible`. Programs should read JSON Lines instead.
"""

from collections.abc import Mapping
from typing import BinaryIO, assert_never

from ktrace.diagnostic import visible
from ktrace.model.batch import Batch, Chunk, Lost, Mark, Missed, Silent, Stack, Unparsed, Unread
from ktrace.model.column import Column, Strings
from ktrace.model.format import Format
from ktrace.model.lookups import NO_LOOKUPS, Lookups
from ktrace.model.meaning import Names
from ktrace.output.printfmt import Body
from ktrace.output.rendering.background import Background, Buffer
from ktrace.output.rendering.line_prefix import head_of, heads, origin_of
from ktrace.output.rendering.lines import Block, Group, assemble
from ktrace.output.rendering.pieces import Pieces
from ktrace.output.rendering.probe_body import probe_pieces, strings
from ktrace.output.rendering.times import PLAIN, TimeStyle


class Text:
    """Writes each chunk as lines of text.

    Args:
        out: a binary file, or any object with its `write`.
        names: by event, then by argument, how values read, which is printed instead of the numbers.
        bulk: expect many records; make their lines in the background.
        style: how times are spelled.
    """

    def __init__(
        self,
        out: BinaryIO,
        names: Mapping[str, Mapping[str, Names]] | None = None,
        *,
        bulk: bool = False,
        style: TimeStyle = PLAIN,
    ) -> None:
        self._lines = Background(out, self._make, bulk=bulk)
        self._names = names or {}
        self._style = style
        self._bodies: dict[tuple[Format, Lookups], Body] = {}

    def write(self, chunk: Chunk) -> None:
        """Write all records and marks of `chunk`."""
        self._lines.write(chunk)

    def flush(self) -> None:
        """Write whatever is pending and flush the file's buffer."""
        self._lines.flush()

    def close(self) -> None:
        """Write whatever is pending; leave the file open."""
        self._lines.close()

    def _make(self, chunk: Chunk) -> list[Buffer]:
        """Return all lines of a piece of the stream."""
        alike: dict[tuple[bool, bool, str], list[Batch]] = {}
        for batch in chunk.batches:
            if len(batch):
                alike.setdefault((batch.tgid is None, batch.ticks, batch.origin), []).append(batch)
        groups = [
            Group(heads(batches, self._style), [self._block(batch) for batch in batches])
            for batches in alike.values()
        ]
        marks = [(mark.seq, _mark(mark, self._style).encode()) for mark in chunk.marks]
        return [assemble(groups, marks)] if groups or marks else []

    def _block(self, batch: Batch) -> Block:
        pieces = Pieces()
        title = f"{visible(batch.event)}:".encode()
        body: Column | None = batch.body
        lookups = batch.lookups or NO_LOOKUPS
        if batch.kind == "text":
            body = batch.columns.get("body")
        if isinstance(body, Strings):
            if batch.titled:
                pieces.add(title + b" ")
            pieces.add(strings(body))
        elif batch.kind == "fields" and batch.format is not None:
            compiled = self._body(batch.format, lookups)
            pieces.add(title + b" " if compiled.titled else b"")
            pieces.extend(compiled.pieces(batch))
        else:
            pieces.add(title)
            pieces.extend(probe_pieces(batch, self._names.get(batch.event, {}), lookups))
        pieces.add(b"\n")
        return Block(batch.seq, pieces.finish())

    def _body(self, event: Format, lookups: Lookups) -> Body:
        body = self._bodies.get((event, lookups))
        if body is None:
            body = self._bodies[event, lookups] = Body(event, lookups)
        return body


def _mark(mark: Mark, style: TimeStyle) -> str:
    match mark:
        case Lost(cpu=cpu, count=count):
            where = "CPU:?" if cpu is None else f"CPU:{cpu}"
            return f"{origin_of(mark)}{where} [LOST {'' if count is None else f'{count} '}EVENTS]\n"
        case Missed(event=event, count=count):
            return f"{visible(event)} [MISSED {count} HITS]\n"
        case Unread(count=count):
            return f"[{count} EVENTS LEFT UNREAD]\n"
        case Silent(muted=muted):
            return f"[{visible(muted.to_text('CANNOT'))}]\n"
        case Unparsed(line=line):
            return visible(line.decode("utf-8", "surrogateescape")) + "\n"
        case Stack():
            title = "<user stack trace>" if mark.user else "<stack trace>"
            # The kernel puts one more blank before addresses of user space.
            frames = (f" => {' ' * frame.startswith('<')}{visible(frame)}\n" for frame in mark.frames)
            return f"{head_of(mark, style)}{title}\n{''.join(frames)}"
    assert_never(mark)
