"""Find the mirror from which this machine takes Debian's packages: sources.list(5), in both formats."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

APT = Path("/etc/apt")
DEFAULT_MAIN = "http://deb.debian.org/debian"
DEFAULT_SECURITY = "http://deb.debian.org/debian-security"

_SECURITY_PATH = re.compile(r"/debian-security/?$")
_MAIN_PATH = re.compile(r"/debian/?$")
_ONE_LINE = re.compile(r"deb\s+(?:\[[^\]]*\]\s+)?(?P<uri>\S+)\s+\S+")


@dataclass(frozen=True, slots=True)
class Mirrors:
    """The base addresses of Debian's main and security archives."""

    main: str
    security: str


def mirrors(apt: Path = APT) -> Mirrors:
    """Return this machine's mirrors; Debian's own host for those it does not have (on Ubuntu, both)."""
    uris = list(_uris(apt))
    main = _first(uris, _MAIN_PATH)
    security = _first(uris, _SECURITY_PATH)
    return Mirrors(main or DEFAULT_MAIN, security or DEFAULT_SECURITY)


def _first(uris: Iterable[str], path: re.Pattern[str]) -> str | None:
    return next((uri.rstrip("/") for uri in uris if path.search(urlsplit(uri).path)), None)


def _uris(apt: Path) -> Iterator[str]:
    """Yield every address in the files that apt itself would read."""
    parts = apt / "sources.list.d"
    for path in [apt / "sources.list", *sorted(parts.glob("*.list"))]:
        yield from one_line(_read(path))
    for path in sorted(parts.glob("*.sources")):
        yield from deb822(_read(path))


def one_line(text: str) -> list[str]:
    """Return the addresses in the old format: `deb [OPTIONS] URI SUITE COMPONENT...`."""
    matches = (_ONE_LINE.match(line.strip()) for line in text.splitlines())
    return [match["uri"] for match in matches if match]


def deb822(text: str) -> list[str]:
    """Return the addresses in the new format: paragraphs of fields, continued by a leading blank."""
    # A comment between the lines of a paragraph does not end it.
    text = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        fields = {}
        for line in re.sub(r"\n[ \t]+", " ", paragraph).splitlines():
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.split()
        if "deb" in fields.get("types", []) and fields.get("enabled") != ["no"]:
            found += fields.get("uris", [])
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
