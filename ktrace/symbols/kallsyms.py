"""Read `/proc/kallsyms`: addresses and names of the kernel's symbols.

A line is `ADDRESS TYPE NAME`; for a module's symbol a tab and `[module]` follow. To find a name, the file's
bytes are searched: a table of all names would take a hundred times as long. Whoever asks for more names than
that gets the table.

Addresses of zero mean that the kernel hides them (Documentation/admin-guide/sysctl/kernel.rst,
"kptr_restrict"), not that the symbol is at 0.
"""

import re
from collections.abc import Iterator
from functools import cached_property

from ktrace.errors import UsageError
from ktrace.host.host import Host
from ktrace.model.miss import Miss
from ktrace.model.patterns.glob import join_glob
from ktrace.model.suffixes import NOT_PADDING, PATTERN
from ktrace.records import dataclass

KALLSYMS = "/proc/kallsyms"

_TEXT_TYPES = frozenset("tTwW")
_TEXT_BYTES = frozenset((b"t", b"T", b"w", b"W"))
_NEAR = 5
_FEW = 100  # names that are searched for before a table is made
_GLOB_MAX = 4096
_ANY_ONE = rb"[^\t\n ]"  # a byte of a name
_FUNCTION_START = rb" [tTwW] " + NOT_PADDING.encode()
_FUNCTION = re.compile(_FUNCTION_START + rb"([^\t\n]+)")
_LINE = re.compile(rb"^([0-9a-f]{1,16}) ([!-~]) ([^\t\n]+)(?:\t\[([^\]\n]+)\])?", re.MULTILINE)
_NAME = re.compile(rb"^[0-9a-f]{1,16} [!-~] ([^\t\n]+)", re.MULTILINE)
_PER_CPU_OF_MODULES = 1 << 16  # PERCPU_MODULE_RESERVE; no kernel has a larger one
_VARIANT = re.compile(PATTERN.encode() + rb"(?=[\t\n])")


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol. `address` is 0 if hidden. `type` is nm(1)'s letter: t and T are functions."""

    name: str
    address: int
    type: str
    module: str | None = None

    @property
    def is_function(self) -> bool:
        """Return whether the letter says that it is code. `Kallsyms.is_code` is more exact."""
        return self.type in _TEXT_TYPES

    @property
    def described(self) -> str:
        """Return address, name and module, to choose it among symbols of the same name."""
        return f"0x{self.address:x}  {self.name}" + (f" [{self.module}]" if self.module else "")


class Kallsyms:
    """The symbols of the running kernel, or of a file in the format of /proc/kallsyms."""

    def __init__(self, data: bytes, source: str = KALLSYMS) -> None:
        self._data = data
        self.source = source
        self._found: dict[str, tuple[Symbol, ...]] = {}

    @classmethod
    def load(cls, host: Host) -> "Kallsyms":
        """Read the symbols of the running kernel. Raises OSError."""
        return cls(host.read_bytes(KALLSYMS))

    @property
    def hidden(self) -> bool:
        """Return whether all addresses are zero."""
        first = _LINE.search(self._data)
        last = _LINE.match(self._data, self._data.rfind(b"\n", 0, -1) + 1)
        return all(m is None or int(m[1], 16) == 0 for m in (first, last))

    def find(self, name: str, module: str | None = None) -> list[Symbol]:
        """Return all symbols called exactly `name`, data included, in the file's order."""
        if name not in self._found:  # a search through the file: scripts ask for the same names again
            self._found[name] = tuple(self._search(name))
        return [one for one in self._found[name] if module is None or one.module == module]

    @cached_property
    def _table(self) -> dict[bytes, list[int]]:
        """Return where each name is in the file: the offsets of the blanks before it."""
        found: dict[bytes, list[int]] = {}
        for m in _NAME.finditer(self._data):
            found.setdefault(m[1], []).append(m.start(1) - 1)
        return found

    @cached_property
    def _changed(self) -> set[bytes]:
        """Return the names that have other names after a dot."""
        return {name[: name.find(b".")] for name in self._table if b"." in name}

    def _search(self, name: str) -> Iterator[Symbol]:
        text = name.encode("utf-8", "surrogateescape")
        if len(self._found) >= _FEW:
            yield from filter(None, map(self._symbol_at, self._table.get(text, ())))
            return
        wanted = b" " + text
        at = self._data.find(wanted)
        while at >= 0:
            end = at + len(wanted)
            if self._data[end : end + 1] in (b"\n", b"\t", b""):
                symbol = self._symbol_at(at)
                if symbol and symbol.name == name:
                    yield symbol
            at = self._data.find(wanted, end)

    def is_code(self, symbol: Symbol) -> bool:
        """Return whether a symbol is really a function: in 7.3, much of the kernel's data is `T` too."""
        return symbol.is_function and (symbol.module is not None or symbol.address not in self._constants)

    @cached_property
    def _constants(self) -> range:
        """Return the addresses between the kernel's code and its init memory: all of it is data."""
        ends = [self.find(name) for name in ("_etext", "__init_begin")]
        if any(len(found) != 1 for found in ends):
            return range(0)
        return range(ends[0][0].address, ends[1][0].address)

    def per_cpu_address(self, name: str) -> int | None:
        """Return the address of a per-CPU variable; None if `name` is not one.

        Args:
            name: a symbol, or an address with `0x`.
        """
        if name[:1].isdigit():
            return int(name, 16) if self._is_per_cpu(int(name, 16)) else None
        found = self.find(name)
        return next((s.address for s in found if self._is_per_cpu(s.address, s.module)), None)

    def _is_per_cpu(self, address: int, module: str | None = None) -> bool:
        """Return whether an address lies in the template of the per-CPU areas.

        On x86 before 6.15 it begins at 0. A module's per-CPU variables have addresses after it.
        """
        start, end = self._per_cpu
        return start <= address < (end + _PER_CPU_OF_MODULES if module else end)

    @cached_property
    def _per_cpu(self) -> tuple[int, int]:
        """Return where the template begins and ends; an empty range if the addresses are hidden."""
        ends = [self.find(name) for name in ("__per_cpu_start", "__per_cpu_end")]
        if any(len(found) != 1 for found in ends):
            return 0, -_PER_CPU_OF_MODULES
        start, end = (found[0].address for found in ends)
        return (start, end) if end else (0, -_PER_CPU_OF_MODULES)

    def has_function(self, name: str) -> bool:
        """Return whether there is a function called exactly `name`."""
        return any(s.is_function for s in self.find(name))

    def variants(self, name: str) -> list[Symbol]:
        """Return the functions a compiler made from `name`: `name.isra.0`, `name.part.0`, `name.cold`."""
        text = name.encode("utf-8", "surrogateescape")
        if len(self._found) >= _FEW and text.partition(b".")[0] not in self._changed:
            return []
        wanted = b" " + text
        found = []
        at = self._data.find(wanted + b".")
        while at >= 0:
            if self._data[at - 1 : at] in _TEXT_BYTES and _VARIANT.match(self._data, at + len(wanted)):
                symbol = self._symbol_at(at)
                found += [symbol] if symbol else []
            at = self._data.find(wanted + b".", at + 1)
        return found

    def matching(self, glob: str) -> Iterator[Symbol]:
        """Yield the functions whose whole name matches a shell wildcard (`*`, `?`, `[...]`).

        Raises:
            UsageError: the wildcard is longer than any name.
        """
        if len(glob) > _GLOB_MAX:
            raise UsageError(f"the wildcard has {len(glob)} characters", hint="names have up to 511")
        start = re.match(r"[^*?\[]*", glob)
        assert start is not None  # the pattern also matches nothing
        if start[0]:
            yield from self._beginning(start[0].encode("utf-8", "surrogateescape"), glob)
            return
        pattern = re.compile(rb"^[0-9a-f]+ [tTwW] (" + glob_to_regex(glob) + rb")(?=[\t\n])", re.MULTILINE)
        for m in pattern.finditer(self._data):
            symbol = self._symbol_at(m.start(1) - 1)
            if symbol and self.is_code(symbol):
                yield symbol

    def _beginning(self, text: bytes, glob: str) -> Iterator[Symbol]:
        """Yield matches that begin with `text`: 20 times as fast as matching every line."""
        whole = re.compile(glob_to_regex(glob) + rb"(?=[\t\n])")
        at = self._data.find(b" " + text)
        while at >= 0:
            if self._data[at - 1 : at] in _TEXT_BYTES and whole.match(self._data, at + 1):
                symbol = self._symbol_at(at)
                if symbol and self.is_code(symbol):
                    yield symbol
            at = self._data.find(b" " + text, at + 1)

    def at(self, address: int) -> Symbol | None:
        """Return the function that holds `address`: the last one that begins at or before it."""
        best: Symbol | None = None
        for m in _LINE.finditer(self._data):
            start = int(m[1], 16)
            if start <= address and m[2] in _TEXT_BYTES and (best is None or start >= best.address):
                best = _symbol(m)
        return best

    def miss(self, name: str) -> Miss:
        """Return a Miss for a name that does not exist, with the functions of the most similar names."""
        if not self._data:
            return Miss(self.source, "the file is empty")
        return Miss(self.source, f"no function called {name}", tuple(self._closest(name)))

    def _closest(self, name: str) -> list[str]:
        from ktrace.model.near import close_to  # noqa: PLC0415 -- only to explain a failure

        text = name.encode("utf-8", "replace")
        variants = [s.name for s in self.variants(name)]
        # Names that contain the whole word, or begin with the same letter and have a similar length. A
        # regular expression searches for them, since a list of all names alone would take a second.
        holding = sorted(self._holding(text), key=len)[: _NEAR * 2] if len(text) > 2 else []
        short, long = max(len(text) - 4, 0), len(text) + 2
        pattern = re.compile(
            _FUNCTION_START + rb"(%s[^\t\n]{%d,%d})(?=[\t\n])" % (re.escape(text[:1]), short, long)
        )
        alike = dict.fromkeys(m[1].decode("utf-8", "replace") for m in pattern.finditer(self._data))
        close = close_to(name, alike, _NEAR, cutoff=0.75)
        ranked = close_to(name, [*close, *holding], _NEAR, cutoff=0.0)
        return [f for f in dict.fromkeys([*variants, *ranked]) if f != name][:_NEAR]

    def _holding(self, text: bytes) -> Iterator[str]:
        """Yield the names of functions that contain `text`."""
        pattern = re.compile(_FUNCTION_START + rb"([^\t\n ]*%s[^\t\n ]*)" % re.escape(text))
        at = self._data.find(text)
        last = -1
        while at >= 0:
            start = self._data.rfind(b"\n", 0, at) + 1
            match = pattern.search(self._data, start, self._data.find(b"\n", at) + 1 or len(self._data))
            if match and start != last:
                yield match[1].decode("utf-8", "replace")
            last = start
            at = self._data.find(text, at + 1)

    def _symbol_at(self, offset: int) -> Symbol | None:
        """Return the symbol of the line that holds byte `offset`."""
        start = self._data.rfind(b"\n", 0, offset) + 1
        m = _LINE.match(self._data, start)
        return _symbol(m) if m else None


def glob_to_regex(glob: str) -> bytes:
    """Convert a shell wildcard to a regular expression on bytes that stays within one word.

    >>> glob_to_regex("tcp_*")
    b'tcp_[^\\\\t\\\\n ]*'
    """
    pieces: list[bytes | None] = []
    i = 0
    while i < len(glob):
        ch = glob[i]
        close = _end_of_class(glob, i) if ch == "[" else -1
        if ch == "*":
            pieces.append(None)
        elif ch == "?":
            pieces.append(_ANY_ONE)
        elif close > 0:
            pieces.append(_class_to_regex(glob[i + 1 : close]))
            i = close
        else:
            pieces.append(re.escape(ch.encode("utf-8", "surrogateescape")))
        i += 1
    # latin-1 maps bytes to characters of the same number, and back.
    characters = [None if piece is None else piece.decode("latin-1") for piece in pieces]
    return join_glob(characters, _ANY_ONE.decode("latin-1")).encode("latin-1")


def _end_of_class(glob: str, start: int) -> int:
    """Return the position of the `]` that ends the class at `start`, or -1; a first `]` is a member."""
    first = start + (2 if glob[start + 1 : start + 2] in ("!", "^") else 1)
    return glob.find("]", first + 1)


def _class_to_regex(body: str) -> bytes:
    """Convert the text between `[` and `]`, which matches one character; an empty range matches nothing."""
    negated = body[0] in "!^"
    members = body[1:] if negated else body
    out = b""
    i = 0
    while i < len(members):
        last = i + 2 if members[i + 1 : i + 2] == "-" and i + 2 < len(members) else i
        low, high = (re.escape(members[at].encode("utf-8", "surrogateescape")) for at in (i, last))
        if last == i:
            out += low
        elif members[i] <= members[last] and members[last].isascii():
            out += low + b"-" + high
        i = last + 1
    # Whatever the class says, it never matches a blank or the end of a line: names have neither.
    if not out:
        return _ANY_ONE if negated else rb"(?!)"
    return rb"(?![\t\n ])[" + (b"^" if negated else b"") + out + b"]"


def _symbol(m: re.Match[bytes]) -> Symbol:
    name, module = m[3].decode("utf-8", "surrogateescape"), m[4]
    return Symbol(name, int(m[1], 16), m[2].decode(), module.decode("utf-8", "replace") if module else None)
