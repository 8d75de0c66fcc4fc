"""Show long output in a pager, as git does: on a terminal, and never output that is live."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import BinaryIO, cast

from ktrace.diagnostic import note

PAGED = frozenset(
    ("config", "doctor", "examples", "funcs", "lines", "list", "report", "show", "sql", "type", "vars")
)
"""The commands whose output may be long, and is complete at some time."""

_VARIABLES = ("KTRACE_PAGER", "PAGER")
_SHELL = frozenset("|&;<>()$`\\\"'*?[#~=%")
_LESS = "FRX"  # quit if all fits on the screen, keep colours, leave the text there


def wanted_pager(environment: Mapping[str, str]) -> str:
    """Return the pager's command line; "" if the output is to go straight to the terminal."""
    if environment.get("TERM", "dumb") == "dumb":
        return ""
    chosen = next((environment[name] for name in _VARIABLES if name in environment), None)
    if chosen is None:
        return "less" if shutil.which("less") else ""
    if chosen.strip() in ("", "cat"):
        return ""
    return chosen


@contextmanager
def paging(pager: str) -> Iterator[None]:
    """Send standard output to a pager from its first byte on, and wait for the pager at the end.

    Standard output still says that it is a terminal, so that it has the terminal's width and colours.
    Standard error goes to the pager, too, once it runs: otherwise messages would be drawn over its screen.
    """
    before = sys.stdout
    before.flush()
    raw = _ToPager(pager)
    sys.stdout = io.TextIOWrapper(
        cast(BinaryIO, io.BufferedWriter(raw)), before.encoding, before.errors, line_buffering=True
    )
    try:
        yield
        sys.stdout.flush()
    finally:
        raw.wait()
        sys.stdout = before


class _ToPager(io.RawIOBase):
    """Standard output, which a pager takes from the first byte on."""

    def __init__(self, pager: str) -> None:
        self._pager = pager
        self._process: subprocess.Popen[bytes] | None = None
        self._saved: dict[int, int] = {}

    def fileno(self) -> int:
        return 1

    def isatty(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def write(self, data: "io.ReadableBuffer") -> int:  # type: ignore[name-defined]  # of typeshed alone
        if self._pager:
            self._start()
        return os.write(1, data)

    def wait(self) -> None:
        """Let the pager see the end, and wait until the user leaves it."""
        if self._process is None:
            return
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        for fd, saved in self._saved.items():
            os.dup2(saved, fd)
            os.close(saved)
        while True:
            with suppress(KeyboardInterrupt):  # Ctrl-C is the pager's
                self._process.wait()
                return

    def _start(self) -> None:
        """Start the pager, or print to the terminal if it cannot be started."""
        command, self._pager = self._pager, ""
        program = "" if set(command) & _SHELL else command.split()[0]
        if program and not shutil.which(program):
            note(
                f"the pager '{command}' is not there: the output is not paged",
                hint="PAGER=less, or --no-pager",
            )
            return
        size = shutil.get_terminal_size()
        os.environ.setdefault("COLUMNS", str(size.columns))  # nobody can ask the pipe
        environment = {"LESS": _LESS, "LV": "-c", **os.environ}
        self._process = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environment)
        assert self._process.stdin is not None
        for fd in (1, 2):
            if fd == 1 or os.isatty(fd):
                self._saved[fd] = os.dup(fd)
                os.dup2(self._process.stdin.fileno(), fd)
        self._process.stdin.close()
