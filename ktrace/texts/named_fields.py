"""Fields that are printed by their names: `trace-cmd report -R`, and the kernel's option fields.

nr=0 fd=0x3 buf=0x7ffe                          trace-cmd
prev_comm=bash prev_pid=0x492 (1170)            the kernel
"""

import re
from collections.abc import Mapping

from ktrace.texts.records import Value

_FIELD = re.compile(r"(?:\A| )([A-Za-z_]\w{0,63})=")
_BOTH = re.compile(r"0x[0-9a-f]{1,16} \((-?\d{1,20})\)\Z")
_HEX = re.compile(r"0x([0-9a-f]{1,16})\Z")
_DECIMAL = re.compile(r"-?\d{1,20}\Z")
_ALL_BOTH = re.compile(r"(?: ?[A-Za-z_]\w{0,63}=0x[0-9a-f]{1,16} \(-?\d{1,20}\)){1,100}\Z")


def has_both(text: str) -> bool:
    """Return whether all fields are numbers as the kernel's option fields prints them."""
    return _ALL_BOTH.match(text) is not None


def named_fields(text: str, kinds: Mapping[str, str]) -> dict[str, Value] | None:
    """Return the fields of a text that is only names and values; None if it is not, or can be read otherwise.

    Args:
        text: the text of an event.
        kinds: by field, `d`, `x`, `w` or `s`, as for a template; empty if the event is not known. Then only
            numbers are read.
    """
    text = text.strip()
    matches = list(_FIELD.finditer(text))
    if not matches or matches[0].start():
        return None
    found: dict[str, Value] = {}
    for match, end in zip(matches, [*(one.start() for one in matches[1:]), len(text)], strict=True):
        name = match[1]
        value = _value(text[match.end() : end].rstrip(), kinds.get(name, "d"))
        if value is None or name in found or (kinds and name not in kinds):
            return None
        found[name] = value
    return found


def _value(text: str, kind: str) -> Value:
    both = _BOTH.match(text)
    if both:
        return int(both[1])
    value = _HEX.match(text)
    if value:
        return int(value[1], 16)
    if kind != "x" and _DECIMAL.match(text):
        return int(text)
    # A hexadecimal number without 0x looks like a decimal one.
    return text if kind in ("w", "s") else None
