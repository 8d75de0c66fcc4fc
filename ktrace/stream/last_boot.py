"""Addresses of an earlier boot, in instances whose buffer outlives a reboot.

trace-cmd saves such an instance's `last_boot_info`, which has the address that the kernel's text had then.
See Documentation/trace/debugging.rst, "Persistent buffers across boots".
"""

import re

from ktrace.tracedat.contents import Contents
from ktrace.tracedat.options import LAST_BOOT_INFO

_INFO = re.compile(r"([^:\n]*):\s*([0-9a-f]{8,16})\s+\[kernel\]")
_TEXT = re.compile(rb"^([0-9a-f]{8,16}) [tT] _text$", re.MULTILINE)


def text_offset(contents: Contents, instance: str) -> int | None:
    """Return how far an instance's kernel addresses are from those of `kallsyms`.

    Returns:
        0 if they are of the same boot; None if they are not, and the distance is not known.
    """
    for number, data in contents.options.others:
        match = _INFO.match(data.decode("utf-8", "replace")) if number == LAST_BOOT_INFO else None
        if match and match[1] == instance:
            now = _TEXT.search(contents.kallsyms)
            return int(match[2], 16) - int(now[1], 16) if now else None
    return 0
