"""The names of SystemTap's tapset: `tapset_reference.txt`, by family."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ktrace.script.language.points import REFUSED_FAMILIES

_FILE = Path(__file__).with_name("tapset_reference.txt")

Families = Mapping[str, Sequence[str]]


def aliases() -> Families:
    """The aliases by family, with their full names."""
    found = _section("aliases")
    return {
        family: [family if name == "=" else f"{family}.{name}" for name in names]
        for family, names in found.items()
    }


def functions() -> Families:
    """The functions by what they are about."""
    return _section("functions")


def refused() -> Mapping[str, str]:
    """The reason of each alias that ktrace refuses on every kernel."""
    found: dict[str, str] = {}
    for family, names in aliases().items():
        for name in names:
            if family in REFUSED_FAMILIES:
                found[name] = REFUSED_FAMILIES[family]
    return found


def kernels() -> Sequence[str]:
    """The kernels of which it is known which aliases they have no functions for."""
    return [
        line.strip("[]").removeprefix("not in ")
        for line in _FILE.read_text().splitlines()
        if line.startswith("[not in ")
    ]


def absent(kernel: str) -> set[str] | None:
    """The aliases whose functions a kernel does not have; None for a kernel of which that is not known."""
    found = _section(f"not in {kernel}")
    return {f"{family}.{name}" for family, names in found.items() for name in names} if found else None


def _section(wanted: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    section = family = ""
    for line in _FILE.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif section == wanted and line:
            if not line.startswith(" "):
                family = line.partition(":")[0]
            found.setdefault(family, []).extend(line.removeprefix(f"{family}:").split())
    return found
