"""Refuse `--nth`, `--all` and `--inlined` where there is nothing to choose."""

from ktrace.errors import UsageError
from ktrace.kernel.kernel import Kernel
from ktrace.model.miss import Miss
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.model.suffixes import plain_name
from ktrace.resolve.place_words import PlaceWord, Tracepoint, Wildcard
from ktrace.resolve.spec import ProbeOptions


def check_choice(word: PlaceWord, defaults: ProbeOptions) -> None:
    """Raise UsageError where a place leaves nothing to choose, or several choices contradict."""
    chosen = [("--nth", defaults.nth is not None), ("--all", defaults.every), ("--inlined", defaults.inlined)]
    given = [option for option, is_given in chosen if is_given]
    match word.place:
        case Tracepoint():
            useless, why = given, "a tracepoint is one place"
        case Wildcard():
            useless = [option for option in given if option == "--nth"]
            why = "a wildcard stands for functions of different names"
        case AddressPlace():
            useless, why = given, "an address is one place"
        case _:
            useless = given[:-1] if defaults.inlined else []
            why = "--inlined takes every place of the function"
    if useless:
        raise UsageError(f"{useless[0]} does nothing at '{word.text}': {why}", hint=f"leave {useless[0]} out")


def check_nth(place: SymbolPlace, nth: int | None, kernel: Kernel) -> None:
    """Raise UsageError if the name has one symbol, and fewer than `nth` declarations."""
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
