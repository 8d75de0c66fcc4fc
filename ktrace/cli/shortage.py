"""Explain failures that a limit of this process or of the machine causes, wherever they occur."""

import errno

from ktrace.cli.traced import traced
from ktrace.errors import Exhausted, KtraceError, Unavailable
from ktrace.tracefs.mount import DEBUG, TRACING, locked, refuses_debugfs

_MEMORY_HINT = (
    "a limit may be in the way: `ulimit -v`, memory.max of the control group; `dmesg` tells of kills"
)
_IMPORT_MEMORY = ("cannot allocate memory", "failed to map segment", "cannot map zero-fill")
_IMPORT_FILES = "too many open files"


def explained(error: BaseException) -> KtraceError | None:
    """Return the error to report for an unexpected exception, or None if it is a bug in ktrace.

    Covers MemoryError, threads and processes that could not be started, files that could not be opened for
    lack of descriptors, libraries that could not be loaded for lack of memory or descriptors, and kernel
    files that lockdown keeps closed.
    """
    if isinstance(error, MemoryError):
        return _no_memory(str(error))
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return _no_process("thread")
    if isinstance(error, ImportError):
        return _no_library(error)
    if isinstance(error, OSError):
        return _refused(error)
    return None


def _refused(error: OSError) -> KtraceError:
    full = Exhausted.of(error)
    if full is not None:
        return full
    name = _name(error)
    match error.errno:
        case errno.ENOMEM:
            return _no_memory(name)
        case errno.EAGAIN if not name:
            return _no_process("process")
        case errno.EPERM if name.startswith((f"{TRACING}/", f"{DEBUG}/")) and refuses_debugfs(traced()):
            if refuses_debugfs(traced()) == "confidentiality":
                return locked()
            return Unavailable(f"{name}: {error.strerror}: this kernel is locked down (integrity)")
    # Errors of files that no command handles: a full disk, a directory in place of a file.
    return KtraceError(f"{name}: {error.strerror}" if name else error.strerror or str(error))


def _name(error: OSError) -> str:
    name = error.filename
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else str(name or "")


def _no_memory(what: str) -> KtraceError:
    return KtraceError("out of memory" + (f": {what}" if what else ""), hint=_MEMORY_HINT)


def _no_process(what: str) -> KtraceError:
    return KtraceError(
        f"no further {what} could be started",
        hint="a limit may be in the way: `ulimit -u`, pids.max of the control group, or memory",
    )


def _no_library(error: ImportError) -> KtraceError | None:
    text = str(error).lower()
    if any(words in text for words in _IMPORT_MEMORY):
        return _no_memory("a library could not be loaded")
    if _IMPORT_FILES in text:
        return Exhausted.of(OSError(errno.EMFILE, "", "a library"))
    return None
