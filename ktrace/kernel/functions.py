"""Find functions of the kernel: their address, whether they can be probed, their parameters.

Symbols have the address, the blacklist and ftrace's list say whether a function can be probed, and BTF has
its declaration.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ktrace.errors import NotFound, Unavailable, UsageError
from ktrace.kernel.kernel import Kernel
from ktrace.model.miss import Miss
from ktrace.model.patterns.regex import Regex
from ktrace.model.patterns.syntax import PatternError
from ktrace.model.place import START, AddressPlace, SymbolPlace
from ktrace.model.suffixes import PADDING, changed_parameters, plain_name
from ktrace.records import dataclass
from ktrace.symbols.kallsyms import Kallsyms, Symbol

if TYPE_CHECKING:
    from ktrace.model.ctype import Function
    from ktrace.symbols.btf import Btf

BLACKLISTED = "on the kprobe blacklist"
NOTRACE = "not patched by ftrace (notrace, or split off by the compiler)"
INLINED = "inlined"

MANY = 100  # from this many functions on, finding all names at once is faster

_FIRST_WORD = re.compile(r"^[^ \n]+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Probeable:
    """The functions that can be probed. A list that could not be read excludes nothing.

    Attributes:
        traceable: names in available_filter_functions, each with the number of functions of that name; None
            if the file cannot be read.
        blacklist: names on the kprobe blacklist.
        is_known: whether both lists could be read.
    """

    traceable: dict[str, int] | None
    blacklist: frozenset[str]
    is_known: bool = True

    @classmethod
    def of(cls, kernel: Kernel) -> "Probeable":
        """Read the kernel's own lists."""
        text = kernel.traceable
        # Forty thousand lines: a loop over them takes five times as long.
        traceable = None if text is None else Counter(_FIRST_WORD.findall(text))
        names = (line.partition("\t")[2] for line in (kernel.blacklist or "").splitlines())
        return cls(traceable, frozenset(names), traceable is not None and kernel.blacklist is not None)

    def why_not(self, name: str) -> str | None:
        """Return why a function of that name cannot be probed; None if no reason is known."""
        if name in self.blacklist:
            return BLACKLISTED
        if self.traceable is not None and name not in self.traceable:
            return NOTRACE
        return None

    def traceable_once(self, name: str) -> bool:
        """Return whether ftrace knows exactly one function of that name."""
        return self.traceable is not None and self.traceable.get(name) == 1


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """One function.

    Attributes:
        symbol: its symbol; None if it is inlined everywhere.
        probeable: whether it can be probed; None if that is not known.
        why_not: why it cannot be probed; None if it can, or if that is not known.
        signature: its declaration in C; None if it was not requested or is not known.
    """

    name: str
    symbol: Symbol | None
    probeable: bool | None
    why_not: str | None
    signature: str | None = None


def find_functions(
    pattern: str,
    kernel: Kernel,
    *,
    module: str | None = None,
    probeable: bool = False,
    signatures: bool = False,
) -> list[FunctionRow]:
    """Return the functions that match a wildcard or `/REGEX/`, in the order of kallsyms.

    Args:
        pattern: a name, a shell wildcard, or a regular expression between slashes.
        kernel: the kernel to search.
        module: only of this module.
        probeable: only those that can be probed.
        signatures: look up their declarations.

    Raises:
        UsageError: the pattern is not a regular expression.
        NotFound: nothing matches; the hint has similar names.
        Unavailable: `probeable`, and the kernel's lists cannot be read.
    """
    allowed = Probeable.of(kernel)
    if probeable and not allowed.is_known:
        raise Unavailable(
            "which functions can be probed is not known: the kernel's lists cannot be read",
            hint="run it as root; `ktrace doctor` shows whether tracefs and debugfs are mounted",
        )
    rows = [
        _row(s, allowed)
        for s in _symbols(pattern, kernel)
        if not s.name.startswith(PADDING) and (module is None or s.module == module.replace("-", "_"))
    ]
    if not rows and module is None:
        rows = _inlined(pattern, kernel)
    if not rows:
        raise _nothing(pattern, kernel, module)
    if probeable:
        rows = [row for row in rows if row.probeable]
    return _with_signatures(rows, kernel) if signatures else rows


def place_of(symbol: Symbol, offset: int, kernel: Kernel) -> SymbolPlace | AddressPlace:
    """Return the place of one of several functions of the same name, as an offset from the kernel's start.

    Raises:
        Unavailable: addresses are hidden.
    """
    if not symbol.address:
        raise Unavailable(
            f"there are several functions called '{symbol.name}', and their addresses are hidden",
            hint="sysctl kernel.kptr_restrict=0, or run it as root",
        )
    return place_at(symbol.address + offset, kernel.symbols)


def place_at(address: int, symbols: Kallsyms) -> SymbolPlace | AddressPlace:
    """Express an address as SYMBOL+OFFSET: the kernel prints symbols back unchanged, but hashes addresses.

    The symbol is the start of the kernel's code, or the function in a module. The address is returned
    unchanged if neither is known.
    """
    start, end = symbols.find(START), symbols.find("_end")
    after_start = len(start) == 1 and 0 < start[0].address <= address
    symbol = None if after_start and end and address < end[0].address else symbols.at(address)
    if after_start and (symbol is None or symbol.module is None):
        return SymbolPlace(START, address - start[0].address)
    if symbol is None or symbol.module is None or len(symbols.find(symbol.name, symbol.module)) > 1:
        return AddressPlace(address)
    return SymbolPlace(symbol.name, address - symbol.address, symbol.module)


def _row(symbol: Symbol, allowed: Probeable) -> FunctionRow:
    reason = allowed.why_not(symbol.name)
    probeable = False if reason else True if allowed.is_known else None
    return FunctionRow(symbol.name, symbol, probeable, reason)


def _symbols(pattern: str, kernel: Kernel) -> Iterable[Symbol]:
    regex = _regex(pattern)
    if regex is None:
        return kernel.symbols.matching(pattern)
    return (s for s in kernel.symbols.matching("*") if regex.search(s.name))


def _regex(pattern: str) -> Regex | None:
    if len(pattern) < 3 or pattern[0] != "/" or pattern[-1] != "/":
        return None
    try:
        return Regex(pattern[1:-1])
    except PatternError as error:
        raise UsageError(f"not a regular expression: {error}", excerpt=pattern, caret=1 + error.at) from None


def _inlined(pattern: str, kernel: Kernel) -> list[FunctionRow]:
    """Return a row for a function that has types but no place."""
    types = kernel.types()
    if isinstance(types, Miss) or isinstance(types.functions(pattern), Miss):
        return []
    return [FunctionRow(pattern, None, probeable=False, why_not=INLINED)]


def _with_signatures(rows: list[FunctionRow], kernel: Kernel) -> list[FunctionRow]:
    if len(rows) > MANY:
        for module in {row.symbol.module if row.symbol else None for row in rows}:
            types = kernel.types(module)
            if not isinstance(types, Miss):
                types.expect_all("function")
    return [_with_signature(row, kernel) for row in rows]


def _with_signature(row: FunctionRow, kernel: Kernel) -> FunctionRow:
    from ktrace.model.ctype import signature  # noqa: PLC0415 -- a wildcard needs no types

    found = _declarations(row, kernel.types(row.symbol.module if row.symbol else None))
    text = " | ".join(signature(function) for function in found)
    return replace(row, signature=text or None)


def _declarations(row: FunctionRow, types: "Btf | Miss") -> "Iterator[Function]":
    """Yield the declarations of a function; several if functions of that name differ."""
    if isinstance(types, Miss) or changed_parameters(row.name):
        return
    found = types.functions(plain_name(row.name))
    if not isinstance(found, Miss):
        yield from found


def _nothing(pattern: str, kernel: Kernel, module: str | None) -> NotFound:
    where = f" in module {module}" if module else ""
    if module and not kernel.is_loaded(module):
        return NotFound(f"module {module} is not loaded", hint=f"modprobe {module}; `lsmod` lists modules")
    miss = kernel.symbols.miss(pattern)
    if miss.near and not module:
        hint = "close to it: " + ", ".join(miss.near)
    else:
        hint = "wildcards are * ? [...]; /REGEX/ finds a part of a name; inlined functions have no symbol"
    return NotFound(f"no function matches '{pattern}'{where}", hint=hint)
