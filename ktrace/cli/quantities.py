"""Read the numbers of options: times, sizes and counts, with units as people write them."""

import math
import re
from collections.abc import Callable
from enum import StrEnum

import typer

from ktrace.errors import UsageError
from ktrace.model.duration import parse_duration

_SIZE = re.compile(r"(\d+\.?\d*|\.\d+) *([A-Za-z]*)")
_DIGITS = 40  # a number with more is a mistake, and costs time to convert
_UNITS = {"b": "bytes", "k": "KiB", "m": "MiB"}
_BYTES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_LONGEST_S = 10**9  # 31 years; timers of the kernel take no more than 292


def seconds(least: float = 0) -> Callable[[object], float]:
    """Return a parser of times such as `10`, `10s`, `500ms`, `2m` and `1.5h`. Without a unit, seconds."""

    def parse(value: object) -> float:
        text = _text(value)
        try:
            found = parse_duration(text, "s") / 1e9
        except UsageError:
            raise _wrong(text, "is not a length of time", "10s, 500ms, 2m, or a number of seconds") from None
        if found > _LONGEST_S:
            raise _wrong(text, "is too long", f"up to {_LONGEST_S:g} seconds")
        if found < least:
            raise _wrong(text, "is too short", f"{least:g} seconds or more")
        return found

    return parse


def size(unit: str, least: int) -> Callable[[object], int]:
    """Return a parser of sizes such as `4096`, `512k`, `4M` and `1GiB`, in powers of 1024.

    Args:
        unit: `b`, `k` or `m`: the unit of a number without one, and of the result.
        least: the smallest size, in that unit.
    """

    def parse(value: object) -> int:
        text = _text(value)
        match = _SIZE.fullmatch(text) if len(text) <= _DIGITS else None
        given = match[2].lower() if match else ""
        name = given.removesuffix("ib").removesuffix("b") or ("b" if given else unit)
        if match is None or name not in _BYTES:
            raise _wrong(text, "is not a size", "a number and k, M or G, such as 512k")
        found = float(match[1]) * _BYTES[name] / _BYTES[unit]
        if found >= 1 << 63:
            raise _wrong(text, "is too large", "less than 2**63")
        if found < least:
            raise _wrong(text, "is too small", f"{least} {_UNITS[unit]} or more")
        return math.ceil(found)

    return parse


class TimeForm(StrEnum):
    """Values of `--time`."""

    REL = "rel"
    MONO = "mono"
    BOOT = "boot"
    WALL = "wall"
    UTC = "utc"
    ISO = "iso"
    DELTA = "delta"


def count(least: int = 1, most: int | None = None) -> Callable[[object], int]:
    """Return a parser of whole numbers from `least` to `most`, such as `100` and `0x64`."""

    def parse(value: object) -> int:
        text = _text(value)
        try:
            found = int(text[:_DIGITS], 0)
        except ValueError:
            raise _wrong(text, "is not a whole number", "100") from None
        if len(text) > _DIGITS or found >= 1 << 63:
            raise _wrong(text, "is too large", "less than 2**63")
        if found < least:
            raise _wrong(text, "is too small", f"{least} or more")
        if most is not None and found > most:
            raise _wrong(text, "is too large", f"{most} or less")
        return found

    return parse


def _text(value: object) -> str:
    """Return the text of a value, which is its default or was protected as an expression (`cli.main`)."""
    return str(value).strip().removeprefix("=")


def _wrong(text: str, why: str, instead: str) -> typer.BadParameter:
    shown = text if len(text) <= _DIGITS else f"{text[:_DIGITS]}..."
    return typer.BadParameter(f"'{shown}' {why}: {instead}")
