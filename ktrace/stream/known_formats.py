"""The formats in a recording, by the event id that its records have."""

from ktrace.errors import UsageError
from ktrace.model.format import Format, parse_format
from ktrace.ringbuffer.layout import parse_header_page
from ktrace.tracedat.reader import TraceDat


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
