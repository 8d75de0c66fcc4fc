"""Collect the errors of single places of a command, so that the other places go on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ktrace.errors import KtraceError


class Refusals:
    """The errors of single places of a command. Each is reported as soon as it is added.

    Args:
        tell: shows one error to the user.

    Attributes:
        errors: the errors, in the order in which they were added.
    """

    def __init__(self, tell: Callable[[KtraceError], object]) -> None:
        self._tell = tell
        self.errors: list[KtraceError] = []

    def add(self, error: KtraceError) -> None:
        """Add an error, and show it to the user."""
        self.errors.append(error)
        if not error.told:
            self._tell(error)
            error.told = True

    @contextmanager
    def one(self) -> Iterator[None]:
        """Add an error that the `with` block raises, instead of passing it on."""
        try:
            yield
        except KtraceError as error:
            self.add(error)

    def end_if_nothing_is_left(self, left: object) -> None:
        """Raise the first error if there is one and `left`, what remains of the places, is empty."""
        if self.errors and not left:
            raise self.errors[0]

    def status(self, otherwise: int = 0) -> int:
        """Return the exit status: `otherwise`, or if that is 0 the status of the first error."""
        return otherwise or (self.errors[0].exit_code if self.errors else 0)
