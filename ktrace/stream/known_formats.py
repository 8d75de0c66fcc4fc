"""The formats in a recording, by the event id that its records have."""

from collections.abc import Iterable
from dataclasses import replace

from ktrace.errors import UsageError
from ktrace.model.format import Format, parse_format
from ktrace.ringbuffer.layout import PageLayout, parse_header_page
from ktrace.tracedat.contents import Buffer
from ktrace.tracedat.reader import TraceDat

STACKS = ("kernel_stack", "user_stack")
"""Events of ftrace whose records are stacks of other records, and have no rows themselves."""


def known_formats(file: TraceDat, *, recover: bool) -> dict[int, Format]:
    """Return the formats in a file, by id.

    Raises:
        Damaged: a format cannot be read. With `recover` it is left out and added to `problems`, and its
            records are shown as an unknown event's.
    """
    contents, found = file.contents, dict[int, Format]()
    long = kernel_long(contents.header_page, contents.long_size)
    texts = (*(("ftrace", text) for text in contents.ftrace_formats), *contents.event_formats)
    for place, (system, text) in zip(contents.format_places, texts, strict=True):
        try:
            form = parse_format(text, system, long)
        except UsageError as error:
            problem = file.source.damaged(error.message, place)
            if not recover:
                problem.hint = "ktrace report --recover shows what is there"
                raise problem from None
            file.problems.append(problem)
            continue
        found[form.id] = form
    return found


def kernel_long(header_page: str, otherwise: int) -> int:
    """Return the size in bytes of the traced kernel's `long`; `otherwise` if the file does not say.

    The file also has that of the programs, which is 4 for 32-bit programs on a 64-bit kernel.
    """
    try:
        return parse_header_page(header_page).long
    except UsageError:
        return otherwise


def has_rows(form: Format) -> bool:
    """Return whether an event's records are events themselves, not stacks of others."""
    return form.system != "ftrace" or form.name not in STACKS


def fields_of(forms: Iterable[Format]) -> dict[str, tuple[str, ...]]:
    """Return the names of each event's columns by its name; events of one name share an entry."""
    found: dict[str, tuple[str, ...]] = {}
    for form in filter(has_rows, forms):
        names = (*found.get(form.name, ()), *form.column_names)
        found[form.name] = tuple(dict.fromkeys(names))
    return found


def layout_of(file: TraceDat) -> PageLayout:
    """Return the layout of the pages in a file, of the size that its header names. Raises Damaged."""
    try:
        return parse_header_page(file.contents.header_page, big_endian=file.contents.order == "big")
    except UsageError as error:
        raise file.source.damaged(error.message, 0) from None


def layout_in(file: TraceDat, buffer: Buffer) -> PageLayout:
    """Return the layout of the pages in a buffer, which may have another size. Raises Damaged."""
    return replace(layout_of(file), size=buffer.page_size)
