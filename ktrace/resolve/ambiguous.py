"""`--nth` and `--all`: which of several functions of one name, and where there is nothing to choose."""

from ktrace.errors import UsageError
from ktrace.kernel.kernel import Kernel
from ktrace.model.miss import Miss
from ktrace.model.place import AddressPlace, SymbolPlace, parse_kernel_place
from ktrace.model.suffixes import plain_name
from ktrace.resolve.plain import TRACEPOINT
from ktrace.resolve.spec import ProbeOptions
from ktrace.symbols.dwarf import source_place as words
from ktrace.tracefs.events import is_glob


def check_choice(name: str, defaults: ProbeOptions) -> None:
    """Raise UsageError where a place leaves nothing to choose, or several choices contradict."""
    chosen = [("--nth", defaults.nth is not None), ("--all", defaults.every), ("--inlined", defaults.inlined)]
    given = [option for option, is_given in chosen if is_given]
    if name.startswith(TRACEPOINT):
        useless, why = given, "a tracepoint is one place"
    elif is_glob(name):
        useless = [option for option in given if option == "--nth"]
        why = "a wildcard stands for functions of different names"
    elif words.parse(name) is None and isinstance(parse_kernel_place(name), AddressPlace):
        useless, why = given, "an address is one place"
    else:
        useless = given[:-1] if defaults.inlined else []
        why = "--inlined takes every place of the function"
    if useless:
        raise UsageError(f"{useless[0]} does nothing at '{name}': {why}", hint=f"leave {useless[0]} out")


def check_nth(place: SymbolPlace, nth: int | None, kernel: Kernel) -> None:
    """Raise UsageError where a name has one symbol, and no `nth` declaration to choose by."""
    if nth is None or nth == 1:
        return
    types = kernel.types(place.module)
    found = types if isinstance(types, Miss) else types.functions(plain_name(place.symbol))
    count = 1 if isinstance(found, Miss) else len(found)
    if nth > count:
        raise UsageError(
            f"--nth {nth}: there is one function called '{place.symbol}'"
            if count == 1
            else f"--nth {nth}: '{place.symbol}' has {count} declarations",
            hint="leave --nth out",
        )
