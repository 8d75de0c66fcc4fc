"""The facts about a run that a script's `%( %)` conditions can test."""

import re
from collections.abc import Callable, Sequence

from ktrace.records import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts that conditions can test.

    Attributes:
        kernel_vr: `uname -r`.
        arch: the architecture as SystemTap spells it: x86_64, arm64, ...
        config: returns the value of `CONFIG_X`: `y`, `m`, a number or text; None if not set.
        arguments: the command-line arguments after the script's name.
    """

    kernel_vr: str = ""
    arch: str = "x86_64"
    config: Callable[[str], str | None] = lambda _: None
    arguments: Sequence[str] = ()

    def value(self, name: str) -> str | None:
        """Return the value of a word in a condition, or None if the word is unknown."""
        fixed = {
            "kernel_vr": self.kernel_vr,
            "kernel_v": re.match(r"[\d.]*", self.kernel_vr)[0],  # type: ignore[index]  # matches always
            "arch": self.arch,
            "systemtap_v": "5.0",
            "systemtap_privilege": "stapdev",
            "runtime": "ktrace",
            "guru_mode": "0",
        }
        return fixed.get(name)
