"""Define the kinds of error and their exit codes.

Every error that a user can cause is a `KtraceError`. It is caught once, in `ktrace.cli.main`, and
printed by `ktrace.diagnostic`. Any other exception that escapes is a bug in ktrace.

| exit | meaning |
|---|---|
| 0 | success |
| 1 | any other failure (a file that cannot be written, a full disk, a closed standard output) |
| 2 | the command line cannot be parsed |
| 3 | the kernel refused; the message quotes its reason |
| 4 | no symbol, event, process or file of that name |
| 5 | cannot run here, or could see no event: not root, no tracefs, no kprobes, disarmed, locked down |
| 6 | busy: in use by someone else, or the name is taken |
| 7 | damaged input: data that cannot be decoded; the message has its offset |
| 125 | the virtual machine itself failed |
| 128+N | ended by signal N after undoing all changes |

With `-c CMD` or `ktrace vm -- CMD`, the exit code is that of CMD.
"""

import copyreg
import errno
import resource


class KtraceError(Exception):
    """An error to report to the user.

    Args:
        message: what was tried and what went wrong, in one sentence.
        hint: what to do next, or None.
        excerpt: the text that contains the mistake, or None.
        caret: where in `excerpt` the mistake is, an offset in characters, or None.
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
        self.told = False  # already printed; when several things fail, each is printed as it happens

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle without calling the constructor: some subclasses require their own arguments."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]  # missing from typeshed


class UsageError(KtraceError):
    """The command line, or a file of definitions, cannot be parsed."""

    exit_code = 2


class Refused(KtraceError):
    """The kernel refused a request.

    Args:
        errno: the error number that the kernel returned, or None if it gave none.
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
    """This machine cannot do it: missing rights, mounts or configuration, or lockdown."""

    exit_code = 5


class Busy(KtraceError):
    """Someone else is using it, or the name is already taken."""

    exit_code = 6


class Exhausted(KtraceError):
    """This process, or the machine, has reached its limit of open files.

    Deliberately not an OSError: code that treats a file it cannot open as missing must not catch this.
    """

    @classmethod
    def of(cls, error: OSError) -> "Exhausted | None":
        """Return the exception to raise in place of `error`, or None if `error` is about the file itself."""
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
        offset: where the damage is, in bytes from the start of `source`.
    """

    exit_code = 7

    def __init__(self, message: str, *, source: str, offset: int, hint: str | None = None) -> None:
        super().__init__(f"{source}: offset {offset}: {message}", hint=hint)
        self.source = source
        self.offset = offset


class VmError(KtraceError):
    """The virtual machine itself, not the command in it, failed to start, died or hung."""

    exit_code = 125


class Interrupted(BaseException):
    """A signal ended the command. All changes are undone while it propagates.

    Deliberately not an Exception: code that catches failures must not catch a request to stop. The exit
    code is 128 plus the signal's number.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(f"signal {signum}")
        self.signum = signum


class OutOfTime(Interrupted):
    """A run that had already ended was blocked: by an output that nobody reads, or by a handler.

    If no signal ended the run, `signum` is 0 and the exit code is 1.
    """
