"""Define a target: fuzzing has one for each kind of input."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from ktrace.errors import KtraceError
from tests.fuzz.mutate import Material


class Target(ABC):
    """Something that reads input which others wrote.

    Args:
        folder: where it may write files.
    """

    name: ClassVar[str]

    allowed: ClassVar[tuple[type[Exception], ...]] = (KtraceError,)
    """The errors that a damaged input may raise; each other exception is a finding."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def material(self) -> Material:
        """Build the seeds."""

    @abstractmethod
    def run(self, data: bytes) -> None:
        """Read a mutant, in all ways that the target has."""
