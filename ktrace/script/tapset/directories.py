"""Tapsets of the user: the `.stp` and `.stpm` files below the directories of `-I`."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ktrace.errors import NotFound
from ktrace.script.language.source import SourceFile


def read_directories(directories: Iterable[str]) -> Sequence[SourceFile]:
    """Return the files below directories, macros (`.stpm`) first, each by name.

    Raises:
        NotFound: there is no such directory, or a file in it cannot be read.
    """
    found: list[SourceFile] = []
    for directory in directories:
        root = Path(directory)
        if not root.is_dir():
            raise NotFound(f"-I {directory}: there is no such directory")
        for suffix in (".stpm", ".stp"):
            for path in sorted(root.rglob(f"*{suffix}")):
                try:
                    text = path.read_text("utf-8", "surrogateescape")
                except OSError as error:
                    raise NotFound(f"{path}: {error.strerror}") from None
                found.append(SourceFile(str(path), text, tapset=True))
    return found
