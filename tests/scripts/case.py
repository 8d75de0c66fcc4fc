"""Reads `*.case` files: a script, how to set it off, and what it must print.

    # what it shows
    needs: kernel ...           nothing: it runs without a kernel; else what the kernel must have
    args: 7 "x y"               the script's arguments
    options: -D MAXACTION=5     of `ktrace run`, before the script
    trigger: dd if=...          the command that the script follows (-c)
    script:
    probe begin { ... }
    expect:                     standard output: just this
    expect~:                    standard output: each line a regular expression
    errors:                     standard error: each line must be within it

What `needs` may name: `kernel` (kprobes and kernel.function), `btf`, `syscalls` (by name), `raw_syscalls`,
`tracepoints` (probes there), `fuse` (mounting in user space) and `events/SYSTEM/NAME`.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One file."""

    name: str
    title: str
    needs: tuple[str, ...]
    args: tuple[str, ...]
    options: tuple[str, ...]
    trigger: str | None
    script: str
    expect: str | None
    pattern: str | None
    errors: tuple[str, ...]


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
            assert head in ("needs", "args", "options", "trigger"), f"{path}: {line}"
            found[head] = rest.strip()
    return Case(
        f"{path.parent.name}/{path.stem}",
        lines[0][2:].strip(),
        tuple(found.get("needs", "").split()),
        tuple(shlex.split(found.get("args", ""))),
        tuple(shlex.split(found.get("options", ""))),
        found.get("trigger"),
        found["script"],
        found.get("expect"),
        found.get("expect~"),
        tuple(found.get("errors", "").splitlines()),
    )


def cases(*, kernel: bool) -> list[Case]:
    """All of them that need a kernel, or that do not."""
    found = map(read, sorted(HERE.glob("*/*.case")))
    return [case for case in found if bool(case.needs) == kernel]
