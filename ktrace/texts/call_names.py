"""Name the functions that return: trace-cmd's text says them only where the call began."""

from collections.abc import Iterator
from dataclasses import replace

from ktrace.model.batch import Batch, Chunk, Lost
from ktrace.model.column import Strings
from ktrace.texts.graph import ENTRY, EXIT


class CallNames:
    """Gives records of `funcgraph_exit` their function: that of the open call of the same task and depth."""

    def __init__(self) -> None:
        self._open: dict[int, dict[int, str]] = {}  # by task and depth

    def __call__(self, chunk: Chunk) -> Chunk:
        """Return the chunk; all its exits have a column `func`."""
        calls = [one for one in chunk.batches if _is_call(one)]
        if not calls:
            return chunk
        names: dict[int, list[str]] = {id(one): [""] * len(one) for one in calls}
        losses = ((mark.seq, None, 0) for mark in chunk.marks if isinstance(mark, Lost))
        rows = [(seq, one, i) for one in calls for i, seq in enumerate(one.seq.tolist())]
        columns = {id(one): list(_columns(one)) for one in calls}
        for _, one, i in sorted([*rows, *losses], key=lambda row: row[0]):
            if one is None:
                self._open.clear()
                continue
            pid, depth, func = columns[id(one)][i]
            open_ = self._open.setdefault(pid, {})
            if one.event == EXIT:
                names[id(one)][i] = func or open_.pop(depth, "")
                continue
            for deeper in [known for known in open_ if known >= depth]:
                del open_[deeper]
            open_[depth] = func
        batches = [
            replace(one, columns={**one.columns, "func": Strings.of(names[id(one)])})
            if _is_call(one) and one.event == EXIT
            else one
            for one in chunk.batches
        ]
        return Chunk(tuple(batches), chunk.marks)


def _is_call(batch: Batch) -> bool:
    depth = batch.columns.get("depth")
    return (
        batch.event in (ENTRY, EXIT)
        and batch.kind == "fields"
        and depth is not None
        and not isinstance(depth, Strings)
    )


def _columns(batch: Batch) -> Iterator[tuple[int, int, str]]:
    """Yield the task, the depth and the function of each record."""
    func = batch.columns.get("func")
    names = func.tolist() if isinstance(func, Strings) else [""] * len(batch)
    for pid, depth, name in zip(batch.pid.tolist(), batch.columns["depth"].tolist(), names, strict=True):
        yield pid, depth, name or ""
