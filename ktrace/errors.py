"""The few kinds of failure, with an exit code each.

Every error that a user can cause is a `KtraceError`; it is caught once, in `ktrace.cli.main`, and
drawn by `ktrace.diagnostic`. Anything else that escapes is a bug in ktrace.

| exit | meaning |
|---|---|
| 0 | done |
| 1 | failed in another way (a file that cannot be written, a full disk, a closed standard output) |
| 2 | the command line was not understood |
| 3 | the kernel refused: its own words are in the message |
| 4 | nothing of that name: symbol, event, process, file |
| 5 | cannot run here, or could not see anything: not root, no tracefs, no kprobes, disarmed, locked down |
| 6 | busy: somebody else holds it, or the name is taken |
| 7 | damaged input: data that cannot be decoded, with its offset |
| 125 | the virtual machine itself failed |
| 128+N | ended by signal N, everything undone |

With `-c CMD` or `ktrace vm -- CMD` the exit code is CMD's own.
"""

import copyreg
import errno
import resource


class KtraceError(Exception):
    """Something the user should hear about.

    Args:
        message: what was tried and what went wrong, in one sentence.
        hint: what to do next, or None.
        excerpt: the text in which `caret` points at the wrong place, or None.
        caret: offset in characters into `excerpt`, or None.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        excerpt: str | None = None,
        caret: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.excerpt = excerpt
        self.caret = caret
        self.told = False  # whether the user has seen it: where several things fail, each is told at once

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled without its constructor: those of some kinds cannot do without words of their own."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]  # typeshed leaves it out


class UsageError(KtraceError):
    """The words on the command line, or in a file of definitions, are not understood."""

    exit_code = 2


class Refused(KtraceError):
    """The kernel said no.

    Args:
        errno: the error number that the kernel returned, or None where it gave none.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        errno: int | None = None,
        hint: str | None = None,
        excerpt: str | None = None,
        caret: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, excerpt=excerpt, caret=caret)
        self.errno = errno


class NotFound(KtraceError):
    """No symbol, event, process or file of that name."""

    exit_code = 4


class Unavailable(KtraceError):
    """This machine cannot do it as it stands: rights, mounts, lockdown, configuration."""

    exit_code = 5


class Busy(KtraceError):
    """Somebody else holds it, or the name is already taken."""

    exit_code = 6


class Exhausted(KtraceError):
    """This process, or the machine, may not open another file.

    Not an OSError on purpose: what takes a file that cannot be opened for one that is not there must not
    take this for it.
    """

    @classmethod
    def of(cls, error: OSError) -> "Exhausted | None":
        """Return what is to be raised in place of `error`; None where that is about the file itself."""
        name = error.filename
        name = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name or "a file"
        if error.errno == errno.ENFILE:
            hint = "sysctl fs.file-max shows how many there may be"
            return cls(f"{name} cannot be opened: too many open files on this machine", hint=hint)
        if error.errno != errno.EMFILE:
            return None
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        return cls(
            f"{name} cannot be opened: too many open files (this process may have {soft})",
            hint=f"ulimit -n {hard}" if hard > soft else "raise the limit of open files: ulimit -n, as root",
        )


class Damaged(KtraceError):
    """Input that cannot be decoded.

    Args:
        source: the file's name.
        offset: bytes from the start of `source` to the place that made no sense.
    """

    exit_code = 7

    def __init__(self, message: str, *, source: str, offset: int, hint: str | None = None) -> None:
        super().__init__(f"{source}: offset {offset}: {message}", hint=hint)
        self.source = source
        self.offset = offset


class VmError(KtraceError):
    """The virtual machine could not be started, died or hung; not the command inside it."""

    exit_code = 125


class Interrupted(BaseException):
    """A signal ended the command; everything is undone on its way up.

    Not an Exception on purpose: what catches failures must not catch the wish to stop. The exit
    code is 128 and the signal's number.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(f"signal {signum}")
        self.signum = signum


class OutOfTime(Interrupted):
    """A run that had ended was still held up: by an output that nobody takes, or by a handler.

    The exit code is 1 where no signal ended the run (`signum` is 0 then).
    """
