"""A file whose errors name it, which the system's errors for a descriptor do not."""

import io


class NamedFile(io.FileIO):
    """A descriptor to write to, whose errors have a file name.

    Args:
        fd: open for writing.
        shown: the name for messages.
        closefd: whether closing the file closes `fd`.
    """

    def __init__(self, fd: int, shown: str, *, closefd: bool = True) -> None:
        super().__init__(fd, "wb", closefd)
        self._shown = shown
        self._given_up = False

    def write(self, data: object, /) -> int:
        """Write as much as one call takes. Raises OSError with the name."""
        if self._given_up:
            return memoryview(data).nbytes  # type: ignore[arg-type]  # whatever io.FileIO takes
        try:
            return super().write(data)  # type: ignore[arg-type]  # as above
        except OSError as error:
            error.filename = self._shown
            raise

    def give_up(self) -> None:
        """Discard everything written from now on, including data still buffered."""
        self._given_up = True
