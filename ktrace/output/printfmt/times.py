"""Format times as `%pt` does: a broken-down time, seconds since 1970, or seconds and nanoseconds."""

import struct

from ktrace.output.printfmt.cint import Machine

_DAY = 86400


def spell_time(extension: str, value: bytes, machine: Machine) -> str | None:
    """Return a time as text; None if the letters are not known or there are too few bytes.

    Args:
        extension: the letters after `%pt`: `R` (struct rtc_time), `T` (time64_t) or `Sp` (struct timespec64),
            then `d` (only the date), `t` (only the time), `r` (year and month as stored) and `s` (a blank
            between date and time).
        value: the bytes in memory.
        machine: their order.
    """
    order = ">" if machine.big_endian else "<"
    kind, options = extension[:1], extension[1:]
    if kind == "S" and len(value) >= 16:
        seconds, nanoseconds = struct.unpack(f"{order}qq", value[:16])
        return f"{seconds}.{nanoseconds:09d}"
    if kind == "R" and len(value) >= 24:
        second, minute, hour, day, month, year = struct.unpack(f"{order}6i", value[:24])
    elif kind == "T" and len(value) >= 8:
        (seconds,) = struct.unpack(f"{order}q", value[:8])
        days, rest = divmod(seconds, _DAY)
        year, month, day = _date(days)
        hour, minute, second = rest // 3600, rest // 60 % 60, rest % 60
    else:
        return None
    if "r" not in options:
        year, month = year + 1900, month + 1
    date, time = f"{year:04d}-{month:02d}-{day:02d}", f"{hour:02d}:{minute:02d}:{second:02d}"
    if options[:1] in ("d", "t") and options:
        return date if options[0] == "d" else time
    return f"{date}{' ' if 's' in options else 'T'}{time}"


def _date(days: int) -> tuple[int, int, int]:
    """Return year since 1900, month from 0 and day of the month, of a number of days since 1970."""
    # Count years from March, so that the leap day is the last one.
    era, day_of_era = divmod(days + 719468, 146097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = (shifted + 2) % 12
    year = year_of_era + 400 * era + (month < 2)
    return year - 1900, month, day_of_year - (153 * shifted + 2) // 5 + 1
