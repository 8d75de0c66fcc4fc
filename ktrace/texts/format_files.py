"""The formats of events, from a folder like the kernel's `events`, or a copy of it."""

from collections.abc import Iterator
from pathlib import Path

from ktrace.errors import NotFound, UsageError
from ktrace.model.format import Format, parse_format


def formats_in(folder: str) -> Iterator[Format]:
    """Yield the formats in `FOLDER/GROUP/EVENT/format`; those that make no sense are left out.

    Raises:
        NotFound: there are none.
    """
    found = False
    for path in sorted(Path(folder).glob("*/*/format")):
        found = True
        try:
            yield parse_format(path.read_text("utf-8", "surrogateescape"), path.parent.parent.name)
        except (OSError, UsageError):
            continue
    if not found:
        raise NotFound(
            f"no formats in {folder}", hint="a folder like /sys/kernel/tracing/events: GROUP/EVENT/format"
        )
