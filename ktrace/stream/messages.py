"""Make the message of each trace_printk from its format and arguments."""

from collections.abc import Iterator

import numpy as np

from ktrace.model.batch import Batch
from ktrace.model.column import Column, Strings
from ktrace.model.format import MESSAGE
from ktrace.model.lookups import Lookups
from ktrace.output.printfmt.binary_printf import BinaryPrintf

_WORD = 4  # bytes of an element of the packed arguments


class Messages:
    """Formats the events bprint and bputs, each distinct message of a batch once."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._bprint = BinaryPrintf(lookups)

    def column(self, batch: Batch) -> dict[str, Column]:
        """Return the column with the messages, by its name; nothing if the fields they need are not there."""
        if "str" in batch.columns:
            return {MESSAGE: Strings.of(map(self._lookups.text, batch["str"].tolist()))}
        if "fmt" not in batch.columns or "buf" not in batch.columns:
            return {}
        made: dict[tuple[int, bytes], str | None] = {}
        texts = []
        for call in zip(batch["fmt"].tolist(), self._packed(batch), strict=True):
            if call not in made:
                made[call] = self._bprint.text(*call)
            texts.append(made[call])
        return {MESSAGE: Strings.of(texts)}

    def _packed(self, batch: Batch) -> Iterator[bytes]:
        """Yield the packed arguments of each record as they are in memory."""
        order = ">" if self._lookups.big_endian else "<"
        for words in batch["buf"].tolist():
            yield np.array(words or (), f"{order}u{_WORD}").tobytes()
