"""The guest's job, and its encoding as the files that `init.sh` reads."""

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ktrace.errors import UsageError
from ktrace.vm import cpio

# The variables that a program in the guest shares with the user's shell: paths, language, terminal, and
# settings of Python and ktrace.
ENVIRONMENT = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TERM|COLORTERM|NO_COLOR|VIRTUAL_ENV"
    r"|PYTHON[A-Z0-9_]*|KTRACE_[A-Z0-9_]*"
)
EMULATED_GRACE_S = "10"
# Directories that are empty and writable in the guest, whatever the host has there.
TEMPORARY = ("/tmp", "/var/tmp", "/run", "/dev/shm")


@dataclass(frozen=True, slots=True)
class Job:
    """One command for one guest.

    With `tty`, it gets a terminal of `rows` by `columns` as standard input and output; otherwise it gets
    pipes. With `one_output`, standard error goes where standard output goes. `share` is a directory that it
    may write to. `expose` lists directories below temporary ones that it should see. `modules` is the guest
    kernel's module directory, as a path of the host. `end` marks the end of an output stream; these bytes do
    not occur in an output by chance.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    end: bytes
    tty: bool = False
    one_output: bool = False
    rows: int = 24
    columns: int = 80
    share: str | None = None
    expose: tuple[str, ...] = ()
    modules: str | None = None

    def entries(self) -> list[cpio.Entry]:
        """Return the job as files of the initramfs, in `job/`."""
        settings = {
            "tty": str(int(self.tty)),
            "one_output": str(int(self.one_output)),
            "rows": str(self.rows),
            "columns": str(self.columns),
            "share": self.share or "",
            "modules": self.modules or "",
        }
        lines = [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
        command = [f"export {name}={shlex.quote(value)}" for name, value in self.env.items()]
        command += [f"cd {shlex.quote(self.cwd)} 2>/dev/null || cd /"]
        command += ["set -- " + shlex.join(self.argv)]
        return [
            cpio.directory("job"),
            cpio.regular("job/settings", _text(lines)),
            cpio.regular("job/command", _text(command)),
            cpio.regular("job/expose", _text(self.expose)),
            cpio.regular("job/end", self.end),
        ]


def environment(host: Mapping[str, str], programs: str, *, emulated: bool = False) -> dict[str, str]:
    """Return the part of the host's environment that goes into the guest.

    Args:
        host: the environment of this process.
        programs: the directory of this installation's programs, appended to `PATH` so that the guest finds
            `ktrace`, however the user started it.
        emulated: whether there is no KVM. The guest is then many times slower, so a ktrace in it gets more
            time after the end of a run.
    """
    env = {name: value for name, value in host.items() if ENVIRONMENT.fullmatch(name)}
    path = env.get("PATH", os.defpath).split(os.pathsep)
    if programs not in path:
        path.append(programs)
    env["PATH"] = os.pathsep.join(path)
    # The root is read-only: writing compiled files would fail every time, slowly.
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    if emulated:
        env.setdefault("KTRACE_GRACE", EMULATED_GRACE_S)
    env["XDG_CACHE_HOME"] = "/tmp/.cache"
    return env


def hidden(directories: list[str]) -> tuple[str, ...]:
    """Return those of `directories` that the guest's temporary directories would hide, without repeats."""
    found: list[str] = []
    for directory in directories:
        inside = any(Path(directory).is_relative_to(folder) for folder in TEMPORARY)
        if inside and directory not in (*TEMPORARY, *found):
            found.append(directory)
    return tuple(found)


def shared_directory(path: str) -> str:
    """Check the directory to share, and return its full name.

    Raises:
        UsageError: it is not a directory, is the root itself, or its name contains a newline.
    """
    full = os.path.realpath(path)
    if not Path(full).is_dir():
        raise UsageError(f"--share {path}: not a directory")
    if full == "/" or "\n" in full:
        raise UsageError(
            f"--share {path}: cannot be shared", hint="name the one directory that CMD writes to"
        )
    return full


def _text(lines: list[str] | tuple[str, ...]) -> bytes:
    return b"".join(os.fsencode(line) + b"\n" for line in lines)
