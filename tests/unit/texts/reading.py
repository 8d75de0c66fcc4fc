"""Reading texts as plain values."""

from typing import Any

from ktrace.model.batch import Lost, Stack, Unparsed
from ktrace.texts.kind import Kind
from ktrace.texts.reader import TextReader


def rows(
    text: bytes, *, kind: Kind | None = None, cuts: tuple[int, ...] = ()
) -> tuple[list[dict[str, Any]], TextReader]:
    """Return the records and marks of a text, in the order of the stream.

    The text is fed in pieces that end at `cuts`.
    """
    reader = TextReader(kind)
    chunks, last = [], 0
    for cut in [*sorted(cuts), len(text)]:
        chunks.append(reader.feed(text[last:cut]))
        last = cut
    chunks.append(reader.finish())
    found: list[tuple[int, dict[str, Any]]] = []
    for chunk in chunks:
        for batch in chunk.batches:
            columns = {name: column.tolist() for name, column in batch.columns.items()}
            for i, seq in enumerate(batch.seq.tolist()):
                fields = {name: column[i] for name, column in columns.items()}
                row = {"event": batch.event, "kind": batch.kind, "ts": int(batch.ts[i]),
                       "cpu": int(batch.cpu[i]), "pid": int(batch.pid[i]), "comm": batch.comm[i],
                       "flags": batch.flags[i], "fields": fields,
                       "place": batch.place[i] if batch.place is not None else None, "ticks": batch.ticks,
                       "tgid": int(batch.tgid[i]) if batch.tgid is not None else 0}  # fmt: skip
                found.append((seq, row))
        for mark in chunk.marks:
            if isinstance(mark, Unparsed):
                found.append((mark.seq, {"unparsed": mark.line}))
            elif isinstance(mark, Stack):
                found.append(
                    (mark.seq, {"stack": mark.frames, "user": mark.user, "ts": mark.ts, "ips": mark.ips})
                )
            else:
                assert isinstance(mark, Lost)
                found.append((mark.seq, {"lost": mark.count, "cpu": mark.cpu}))
    seqs = [seq for seq, _ in found]
    assert len(set(seqs)) == len(seqs), "two records at one position"
    return [row for _, row in sorted(found, key=lambda one: one[0])], reader


def fields(text: bytes) -> list[dict[str, Any]]:
    """Return the fields of all records; nothing of the text may be left over."""
    found, reader = rows(text)
    assert reader.unparsed == 0, [row for row in found if "unparsed" in row]
    return [row["fields"] for row in found if "fields" in row]
