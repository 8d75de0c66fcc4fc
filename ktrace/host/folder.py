"""`FolderHost`: a directory that stands for a machine, such as a copy of its /proc and /sys, for tests."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ktrace.host.local import LocalHost

if TYPE_CHECKING:
    from ktrace.host.host import Child, Program

UNAME = os.uname_result(("Linux", "folder", "6.12.0-test", "#1", "x86_64"))


class FolderHost(LocalHost):
    """The files below a directory, with an identity that is given. It has no programs.

    Args:
        root: the directory that stands for `/`.
        uname: the answer of uname(2).
        euid: the effective user id.
        pid: the id of /proc/self.
        values: the answers of sysconf(3), by name.
        refuse: the error numbers of files that cannot be opened to append, by path.
    """

    def __init__(
        self,
        root: Path,
        *,
        uname: os.uname_result = UNAME,
        euid: int = 0,
        pid: int = 1,
        values: dict[str, int] | None = None,
        refuse: dict[str, int] | None = None,
    ) -> None:
        self._root = str(root)
        self._uname = uname
        self._euid = euid
        self._pid = pid
        self._values = {"SC_PAGE_SIZE": 4096, "SC_CLK_TCK": 100, "SC_NPROCESSORS_ONLN": 1, **(values or {})}
        self._refuse = refuse or {}

    def at(self, path: str) -> str:
        """Return the place of a file below the directory."""
        return self._root + path

    def uname(self) -> os.uname_result:
        """Return the answer that was given."""
        return self._uname

    def euid(self) -> int:
        """Return the id that was given."""
        return self._euid

    def pid(self) -> int:
        """Return the id that was given."""
        return self._pid

    def sysconf(self, name: str) -> int:
        """Return the value that was given."""
        return self._values[name]

    def check_append(self, path: str) -> None:
        """Refuse the files that the test has chosen."""
        if number := self._refuse.get(path):
            raise OSError(number, os.strerror(number), path)
        super().check_append(path)

    def kill(self, pid: int, signum: int) -> None:
        """Check that the process has a directory below /proc; no signal reaches it."""
        if not self.exists(f"/proc/{pid}"):
            raise ProcessLookupError(f"no process {pid}")
        if signum:
            raise PermissionError(f"no signal reaches process {pid} in a folder")

    def start(self, argv: Sequence[str]) -> "Program":
        """Raise: a folder runs no programs."""
        raise FileNotFoundError(f"{argv[0]}: a folder runs no programs")

    def fork(self, words: Sequence[str], *, to_stderr: bool = False) -> "Child":  # noqa: ARG002 -- as in Host
        """Raise: a folder runs no programs."""
        raise FileNotFoundError(f"{words[0]}: a folder runs no programs")
