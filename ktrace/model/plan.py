"""Plans: which writes will be made, why, and how to undo them. Nothing is written here."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from ktrace.diagnostic import visible
from ktrace.records import dataclass

Action = Literal["append", "write", "clear", "mkdir", "rmdir"]


@dataclass(frozen=True, slots=True)
class Step:
    """One write below the tracing directory.

    Attributes:
        path: relative to the tracing directory, such as `events/kprobes/do_fork/enable`.
        text: what is written, without a final newline; empty for `clear`, `mkdir` and `rmdir`.
        why: the reason, shown by `--dry-run`.
        undo: the step that undoes it, or None if there is nothing to undo.
        action: `append` keeps the contents of the file (definitions), `write` sets its value,
            `clear` empties a list in which every entry is ours.
    """

    path: str
    text: str
    why: str
    undo: "Step | None" = None
    action: Action = "append"

    def below(self, directory: str) -> "Step":
        """Return the same step, and its undo step, in an instance."""
        undo = self.undo.below(directory) if self.undo else None
        return replace(self, path=f"{directory}/{self.path}", undo=undo)

    def to_shell(self, root: str) -> str:
        """Return the step as a line of shell; `root` is the tracing directory."""
        target = _quoted(f"{root}/{self.path}")
        if self.action in ("mkdir", "rmdir"):
            return f"{self.action} {target}"
        if self.action == "clear":
            return f": > {target}"
        # Control files append even a value: `>` would truncate, which deletes definitions.
        return f"{_printing(self.text)} >> {target}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they are written. They are undone in reverse."""

    steps: tuple[Step, ...] = ()

    def __add__(self, other: "Plan") -> "Plan":
        return Plan(self.steps + other.steps)

    def undo(self) -> "Plan":
        """Return the plan that undoes this one."""
        return Plan(tuple(step.undo for step in reversed(self.steps) if step.undo))

    def to_shell(self, root: str) -> Iterable[str]:
        """Yield each step as a comment and a line of shell."""
        for step in self.steps:
            yield "# " + visible(" ".join(step.why.splitlines()))  # a second line would run as a command
            yield step.to_shell(root)


def _printing(text: str) -> str:
    """Return a command that prints `text` and a newline in any shell."""
    if any(unicodedata.category(ch) in ("Cc", "Cf", "Cs") for ch in text):
        return f"printf -- {_octal(text)}"
    # Some shells' echo interprets backslashes; every shell's echo takes -n as an option.
    if "\\" in text or re.fullmatch("-[neE]+", text):
        return f"printf '%s\\n' {_quoted(text)}"
    return f"echo {_quoted(text)}"


def _octal(text: str) -> str:
    """Return a printf(1) format for `text` and a newline. Bytes that could control a terminal are octal."""
    made = ""
    for byte in text.encode("utf-8", "surrogateescape"):
        ch = chr(byte)
        made += f"\\{byte:03o}" if not " " <= ch <= "~" else {"%": "%%", "\\": "\\\\"}.get(ch, ch)
    return _quoted(made + "\\n")


def _quoted(text: str) -> str:
    if text and all(ch.isalnum() or ch in "_-+./:=,@%" for ch in text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"
