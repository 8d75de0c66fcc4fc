"""The file that a script prints to, and the ones that `switch_file()` goes on with: FILE, FILE.1, FILE.2."""

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import field
from typing import BinaryIO

from ktrace.records import dataclass
from ktrace.storage.destination import open_output
from ktrace.storage.target import check_inputs, descriptor_of


@dataclass(slots=True)
class OutputFiles:
    """Opens a script's output, one file after the other. Raises UsageError for an input file.

    Args:
        name: the file's name; None for standard output.
        inputs: the files that the same command reads.

    Attributes:
        current: the open file; None for standard output.
    """

    name: str | None
    inputs: Sequence[str]
    current: BinaryIO | None = None
    _number: int = 0
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "OutputFiles":
        if self.name is None:
            check_inputs(self.inputs)
        else:
            self._open(self.name)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]  # as it was passed

    def next(self, flush: Callable[[], None]) -> None:
        """Put the file in place, and open the next one. Standard output, pipes and devices stay.

        Args:
            flush: writes the text that belongs to this file.
        """
        if self.name is None or self.current is None or descriptor_of(self.name) >= 0:
            return
        if not stat.S_ISREG(os.fstat(self.current.fileno()).st_mode):
            return
        flush()
        self._stack.close()
        self._number += 1
        self._open(f"{self.name}.{self._number}")

    def _open(self, name: str) -> None:
        self._stack = ExitStack()
        self.current = self._stack.enter_context(open_output(name, inputs=self.inputs, growing=True))
