r"""Reads `*.case` files: a script, how to set it off, and what it must print.

    # what it shows
    needs: kernel ...           nothing: it runs without a kernel; else what the kernel must have
    args: 7 "x y"               the script's arguments
    options: -D MAXACTION=5     of `ktrace run`, before the script
    trigger: dd if=...          the command that the script follows (-c); `python3` is this interpreter
    input: one\ntwo\n          standard input, with the escapes of Python
    when: whole                 only where everything is run (make test-all)
    script:
    probe begin { ... }
    expect:                     standard output: just this
    expect~:                    standard output: each line a regular expression
    errors:                     standard error: each line must be within it

What `needs` may name: `kernel` (kprobes and kernel.function), `btf`, `syscalls` (by name), `raw_syscalls`,
`tracepoints` (probes there), `fuse` (mounting in user space), `loopback` (the device lo, which is set up),
`disk` (/dev/nullb0, which is made), `no/module/NAME` (a module that is not there) and `events/SYSTEM/NAME`.
"""

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
# What stands under this name may be a shell script, which makes calls before the interpreter runs.
PYTHON = re.compile(r"^python3(?= )")
HEADERS = ("needs", "args", "options", "trigger", "input", "when")


@dataclass(frozen=True)
class Case:
    """One file."""

    name: str
    title: str
    needs: tuple[str, ...]
    args: tuple[str, ...]
    options: tuple[str, ...]
    trigger: str | None
    input: bytes
    whole: bool
    script: str
    expect: str | None
    pattern: str | None
    errors: tuple[str, ...]

    def words(self, seconds: int) -> list[str]:
        """The command line that runs it as `t.stp`, for at most this time."""
        first = ["--as-stap"] if "--as-stap" in self.options else []
        options = [word for word in self.options if word not in first]
        follow = ["-c", PYTHON.sub(sys.executable, self.trigger)] if self.trigger else []
        return ["run", *first, "-T", str(seconds), *options, *follow, "t.stp", *self.args]


def read(path: Path) -> Case:
    """One file; a word that it does not know is an error."""
    found: dict[str, str] = {}
    block: str | None = None
    lines = path.read_text("utf-8").splitlines(keepends=True)
    assert lines[0].startswith("# "), f"{path}: no title"
    for line in lines[1:]:
        head, colon, rest = line.partition(":")
        if colon and head in ("script", "expect", "expect~", "errors") and not rest.strip():
            block = head
            found[block] = ""
        elif block is not None:
            found[block] += line
        elif line.strip():
            assert head in HEADERS, f"{path}: {line}"
            found[head] = rest.strip()
    return Case(
        f"{path.parent.name}/{path.stem}",
        lines[0][2:].strip(),
        tuple(found.get("needs", "").split()),
        tuple(shlex.split(found.get("args", ""))),
        tuple(shlex.split(found.get("options", ""))),
        found.get("trigger"),
        found.get("input", "").encode("latin-1").decode("unicode_escape").encode("latin-1"),
        found.get("when") == "whole",
        found["script"],
        found.get("expect"),
        found.get("expect~"),
        tuple(found.get("errors", "").splitlines()),
    )


def cases(*, kernel: bool) -> list[Case]:
    """All of them that need a kernel, or that do not."""
    found = map(read, sorted(HERE.glob("*/*.case")))
    return [case for case in found if bool(case.needs) == kernel]
