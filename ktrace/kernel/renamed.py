"""Find the name of a function in this kernel, and what is different under that name."""

from collections.abc import Iterable

from ktrace.model.arg_words import reads_by_position
from ktrace.model.suffixes import change, changed_parameters, is_called, is_entry, plain_name
from ktrace.records import dataclass
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.symbols.renames import bypass, difference, may_be_bypassed, present_names
from ktrace.symbols.syscalls import function_names


@dataclass(frozen=True, slots=True)
class Present:
    """A function that has another name in this kernel.

    Attributes:
        requested: the name that the user gave.
        name: its symbol.
        copies: other symbols that the compiler made of it. A probe at `name` does not see calls of them.
    """

    requested: str
    name: str
    copies: tuple[str, ...] = ()

    def differences(self, reads: Iterable[str] = ()) -> tuple[str, ...]:
        """Return what a probe at `name` does not see, or sees differently, one sentence each.

        Args:
            reads: the probe's arguments as the user wrote them. Changed parameters matter only if one is
                read by its position.
        """
        found = []
        if not is_entry(self.name):
            found.append(
                f"{self.name} is a part of the function: its beginning is inlined into its callers, "
                "and calls that end there are not seen"
            )
        if any(map(reads_by_position, reads)):
            if (changed := difference(self.requested, plain_name(self.name))) is not None:
                found.append(changed)
            if is_entry(self.name) and (why := changed_parameters(self.name)) is not None:
                found.append(f"the compiler changed the parameters of {self.name}: {why}")
        if self.copies:
            found.append(f"the compiler made copies of it, which are not probed: {', '.join(self.copies)}")
        return tuple(found)


def find_present(name: str, symbols: Kallsyms, machine: str) -> Present | None:
    """Find a function that has no symbol of this name: it was renamed, is a system call, or was changed.

    The function's own entry is preferred to a function that replaced it, and both to a part of it.

    Returns:
        The function; None if there is none of these.
    """
    parts: list[str] = []
    for candidate in (name, *present_names(name)):
        if candidate != name and symbols.has_function(candidate):
            return Present(name, candidate)
        made = sorted({s.name for s in symbols.variants(candidate)}, key=lambda v: (change(v), v))
        whole = [variant for variant in made if is_entry(variant)]
        if whole:
            return Present(name, whole[0], tuple(whole[1:]))
        parts += [variant for variant in made if is_called(variant)]
    for wrapper in function_names(name, machine):
        if symbols.has_function(wrapper):
            return Present(name, wrapper)
    return Present(name, parts[0]) if parts else None


def present_name(name: str, symbols: Kallsyms, machine: str) -> str | None:
    """Return the symbol of a function that has another name here; None if there is none."""
    present = find_present(name, symbols, machine)
    return present.name if present else None


def unreached(name: str, symbols: Kallsyms) -> str | None:
    """Return why a probe at a function of this kernel may never be hit; None if no reason is known."""
    if not may_be_bypassed(name):
        return None
    found = [symbol for symbol in symbols.find(name) if symbol.is_function]
    if not found:
        return None
    return bypass(name, symbols.has_function, exported=any(s.type.isupper() for s in found))
