"""Format bytes as `%*pE` does: with escapes for what its flags name.

See string_escape_mem in lib/string_helpers.c. Each byte is tried against the enabled kinds of escapes in a
fixed order; the first one that applies is used.
"""

_SPACE = {10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v", 12: "\\f"}
_SPECIAL = {92: "\\\\", 7: "\\a", 27: "\\e", 34: '\\"'}
_ANY = "csno"  # special characters, white space, NUL, and all others in octal
_KINDS = frozenset("achnops")


def escaped(data: bytes, flags: str) -> str:
    """Return the bytes with escapes. `flags`: the letters after `%pE`; without any, `ap`."""
    kinds = {kind for flag in flags if flag in _KINDS for kind in (_ANY if flag == "a" else flag)}
    return "".join(_one(byte, kinds or {*_ANY, "p"}) for byte in data)


def _one(byte: int, kinds: set[str]) -> str:
    plain = bytes([byte]).decode("utf-8", "surrogateescape")
    if "p" in kinds and (32 <= byte < 127 or byte >= 0xA0):  # what the kernel calls printable
        return plain
    if "s" in kinds and byte in _SPACE:
        return _SPACE[byte]
    if "c" in kinds and byte in _SPECIAL:
        return _SPECIAL[byte]
    if "n" in kinds and not byte:
        return "\\0"
    if "o" in kinds:
        return f"\\{byte:03o}"
    return f"\\x{byte:02x}" if "h" in kinds else plain
