"""Places that were refused, by ktrace or by the kernel, while the others of the command go on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ktrace.errors import KtraceError


class Refusals:
    """Takes the failures of single places of a command, and tells each of them at once.

    Args:
        tell: shows one failure to the user.

    Attributes:
        errors: the failures, in the order in which they came.
    """

    def __init__(self, tell: Callable[[KtraceError], object]) -> None:
        self._tell = tell
        self.errors: list[KtraceError] = []

    def add(self, error: KtraceError) -> None:
        """Note a failure, and tell it."""
        self.errors.append(error)
        if not error.told:
            self._tell(error)
            error.told = True

    @contextmanager
    def one(self) -> Iterator[None]:
        """Let what is done for one place fail without the rest."""
        try:
            yield
        except KtraceError as error:
            self.add(error)

    def end_if_nothing_is_left(self, left: object) -> None:
        """Raise the first failure where all places were refused: `left` is what remains of them."""
        if self.errors and not left:
            raise self.errors[0]

    def status(self, otherwise: int = 0) -> int:
        """Return the exit status: `otherwise`, or if that is 0 the one of the first failure."""
        return otherwise or (self.errors[0].exit_code if self.errors else 0)
