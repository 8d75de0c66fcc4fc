"""A built tracing directory that notes what is written, and says no where a test wants it to."""

import os
from collections.abc import Callable
from pathlib import Path

from ktrace.host.local import LocalHost
from ktrace.tracefs.files import Files


class Scripted(Files):
    """Files below a temporary directory.

    Attributes:
        done: `(path, text)` of each write that was taken; of mkdir and rmdir `(path, "mkdir")`.
        refuse: by path, by `(path, text)` or by `(path, number of the try)`: an errno.
        after: called with `(path, text)` after each write that was accepted.
    """

    def __init__(self, root: Path, tree: dict[str, str] | None = None) -> None:
        super().__init__(LocalHost(), str(root))
        self.done: list[tuple[str, str]] = []
        self.refuse: dict[str | tuple[str, str | int], int] = {}
        self.after: Callable[[str, str], None] = lambda path, text: None
        self.tries: dict[str, int] = {}
        for path, text in (tree or {}).items():
            self.put(path, text)

    def put(self, path: str, text: str | bytes) -> None:
        """Make a file with this content."""
        place = Path(self.root, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text)

    def write(self, path: str, text: str) -> None:
        self._ask(path, text)
        super().write(path, text)
        self._note(path, text)

    def mkdir(self, path: str) -> None:
        self._ask(path, "mkdir")
        super().mkdir(path)
        self._note(path, "mkdir")

    def rmdir(self, path: str) -> None:
        self._ask(path, "rmdir")
        super().rmdir(path)
        self._note(path, "rmdir")

    def _ask(self, path: str, text: str) -> None:
        number = self.tries[path] = self.tries.get(path, 0) + 1
        for key in (path, (path, text), (path, number)):
            if key in self.refuse:
                raise OSError(self.refuse[key], os.strerror(self.refuse[key]), path)

    def _note(self, path: str, text: str) -> None:
        self.done.append((path, text))
        self.after(path, text)
