"""debugfs `kprobes/`: every registered kprobe, whoever registered it, and the global switch.

See Documentation/trace/kprobes.rst, "The kprobes debugfs interface". A line of `list` is

    ffffffff812c0e54  k  kernel_clone+0x4    [DISABLED][FTRACE]

with the module's name between the symbol and the flags.
"""

import re

from ktrace.model.listing import Registered
from ktrace.tracefs.files import Files

LIST = "kprobes/list"
ENABLED = "kprobes/enabled"

_LINE = re.compile(
    r"(?P<address>[0-9a-f]+)  (?P<type>[krj])  (?P<where>\S+)"
    r"(?:  (?P<module>\S*) )?\s*(?P<flags>(?:\[\w+\])*)\Z"
)
_SYMBOL = re.compile(r"(?P<symbol>.+?)\+0x(?P<offset>[0-9a-f]+)(?:/0x[0-9a-f]+)?\Z")


def parse_kprobe_list(text: str) -> tuple[list[Registered], list[str]]:
    """Return all lines, and the unparsed text of those that were not understood."""
    found: list[Registered] = []
    odd: list[str] = []
    for line in text.splitlines():
        m = _LINE.match(line)
        if not m:
            odd.append(line)
            continue
        place = _SYMBOL.match(m["where"])
        found.append(
            Registered(
                address=int(m["address"], 16),
                type=m["type"],  # type: ignore[arg-type]  # the pattern only matches k, r and j
                symbol=place["symbol"] if place else m["where"],
                offset=int(place["offset"], 16) if place else None,
                module=m["module"] or None,
                flags=tuple(re.findall(r"\[(\w+)\]", m["flags"])),
            )
        )
    return found, odd


def is_armed(debug: Files) -> bool:
    """Return whether kprobes are switched on globally. Raises OSError if debugfs does not show it."""
    return debug.read(ENABLED).strip() == "1"


def switch(debug: Files, on: bool) -> None:
    """Arm or disarm all kprobes of the system."""
    debug.write(ENABLED, "1" if on else "0")
