"""Write the steps of a Plan one by one, and undo them in reverse."""

import errno
import time
from collections.abc import Callable

from ktrace.errors import Exhausted
from ktrace.model.plan import Step
from ktrace.tracefs.dynevents import refusal
from ktrace.tracefs.files import Files
from ktrace.tracefs.holding import Held

_BUSY_TRIES = 40
_BUSY_WAIT_S = 0.025


class Applied:
    """The steps that were written and can be undone. Not thread-safe.

    Instances that it makes are held until it removes them: see `tracefs.holding`.

    Example:
        applied = Applied(files)
        try:
            applied.apply(step)
        finally:
            failures = applied.undo_all()
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._undo: list[Step] = []
        self._held = Held(files)

    def apply(self, step: Step) -> None:
        """Write one step. Raises Refused with the kernel's message; earlier steps stay.

        The undo is recorded before the write, so that a signal in between leaves nothing behind. Undoing
        something that was not done is harmless.
        """
        if step.undo:
            self._undo.append(step.undo)
        started = time.monotonic_ns()
        try:
            if step.action == "mkdir":
                self._held.make(step.path)
            else:
                write_step(self._files, step)
        except OSError as error:
            if step.undo:
                self._undo.pop()
            raise refusal(self._files, step.text or step.path, error, since=started) from error

    def will_undo(self, step: Step) -> None:
        """Record how to undo a step that the caller is about to write. Harmless if the write fails."""
        self._undo.append(step)

    def keep(self) -> None:
        """Forget how to undo: everything written stays."""
        self._undo.clear()

    def __len__(self) -> int:
        """Return the number of steps to undo."""
        return len(self._undo)

    def undo_all(
        self, keep: int = 0, *, let_go: Callable[[Step], None] | None = None
    ) -> list[tuple[Step, OSError]]:
        """Undo everything, newest first; continue after failures and return them.

        A step counts as undone if its object is already gone.

        Args:
            keep: number of oldest steps to leave.
            let_go: called when the kernel first says that something is busy, to end its user.
        """
        failures = []
        while len(self._undo) > keep:
            step = self._undo.pop()
            if step.action == "rmdir":
                self._held.let_go(step.path)
            try:
                write_patiently(self._files, step, let_go)
            except Exhausted as error:
                failures.append((step, OSError(errno.EMFILE, error.message)))
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENODEV):
                    failures.append((step, error))
        return failures


def write_step(files: Files, step: Step) -> None:
    """Write one step as it is. Raises OSError."""
    if step.action == "mkdir":
        files.mkdir(step.path)
    elif step.action == "rmdir":
        files.rmdir(step.path)
    elif step.action == "clear":
        files.clear(step.path)
    else:
        files.write(step.path, step.text)


def write_patiently(files: Files, step: Step, let_go: Callable[[Step], None] | None = None) -> None:
    """Write a step; while the kernel says that it is busy, try again for a second.

    After a reader's descriptor was closed or an event was switched off, it stays busy for an RCU grace
    period.

    Args:
        let_go: called at the first such answer, to end the user of the thing.
    """
    for attempt in range(_BUSY_TRIES):
        try:
            write_step(files, step)
        except OSError as error:
            if error.errno != errno.EBUSY or attempt == _BUSY_TRIES - 1:
                raise
            if attempt == 0 and let_go is not None:
                let_go(step)
            time.sleep(_BUSY_WAIT_S)
        else:
            return
