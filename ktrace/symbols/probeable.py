"""Tell whether a function can be probed, and which list forbids it.

debugfs `kprobes/blacklist` has the address ranges that kprobes refuse (NOKPROBE_SYMBOL). tracefs
`available_filter_functions` has the functions that ftrace can patch; kprobes refuse all others too, unless
the kernel was built with CONFIG_KPROBE_EVENTS_ON_NOTRACE. Callers read both files and pass their text.
"""

import re

from ktrace.model.miss import Miss

BLACKLIST = "kprobes/blacklist"
FILTER_FUNCTIONS = "available_filter_functions"


def on_blacklist(name: str, text: str) -> Miss | None:
    """Return why debugfs kprobes/blacklist (`text`) forbids a probe at `name`; None if it does not."""
    if re.search(rf"^0x[0-9a-f]+-0x[0-9a-f]+\t{re.escape(name)}$", text, re.MULTILINE):
        return Miss(BLACKLIST, f"{name} is on the kprobe blacklist: the kernel itself needs it to run probes")
    return None


def address_on_blacklist(address: int, text: str) -> Miss | None:
    """Return why debugfs kprobes/blacklist (`text`) forbids a probe at an address; None if it does not."""
    for low, high, name in re.findall(r"^0x([0-9a-f]+)-0x([0-9a-f]+)\t(\S+)$", text, re.MULTILINE):
        if int(low, 16) <= address < int(high, 16):
            return Miss(BLACKLIST, f"0x{address:x} lies in {name}, which is on the kprobe blacklist")
    return None


def not_traceable(name: str, text: str) -> Miss | None:
    """Return why `name` is missing in available_filter_functions (`text`); None if it is there."""
    if re.search(rf"^{re.escape(name)}(?: \[\S+\])?$", text, re.MULTILINE):
        return None
    return Miss(
        FILTER_FUNCTIONS,
        f"{name} is marked notrace: it is not among the functions that ftrace can patch",
    )
