"""Read files of definitions: one on each line, in the words of the command line or in the kernel's own."""

from collections.abc import Callable, Iterable, Iterator

from ktrace.errors import KtraceError, NotFound, Unavailable, UsageError
from ktrace.resolve.kernel_lines import is_kernel_line, probe_from_kernel_line
from ktrace.resolve.parse import Make, probe_from_words, split_words
from ktrace.resolve.spec import ProbeOptions, ProbeSpec


def read_definitions(
    lines: Iterable[str],
    source: str,
    defaults: ProbeOptions,
    make: Make | None = None,
    refuse: Callable[[KtraceError], None] | None = None,
) -> Iterator[ProbeSpec]:
    """Yield the probes of a file. Blank lines and `#` comments are skipped.

    Args:
        lines: the lines of the file.
        source: the file's name, for errors.
        defaults: the options that apply to every line.
        make: turns words into probes; None parses them without looking anything up.
        refuse: takes the error of a wrong line, and reading goes on; None raises it.

    Raises:
        UsageError, NotFound, Unavailable: a line is wrong; names `source` and the line's number.
    """
    for number, line in enumerate(lines, start=1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        try:
            yield from _probes(text, defaults, make)
        except (UsageError, NotFound, Unavailable) as error:
            problem = type(error)(
                f"{source}:{number}: {error.message}",
                excerpt=error.excerpt or text,
                caret=error.caret,
                hint=error.hint,
            )
            if refuse is None:
                raise problem from None
            refuse(problem)


def _probes(text: str, defaults: ProbeOptions, make: Make | None) -> list[ProbeSpec]:
    words = text.split()
    if is_kernel_line(words):
        return [ProbeSpec(probe_from_kernel_line(words, defaults))]
    words = split_words(text)
    return list(make(words)) if make is not None else [ProbeSpec(probe_from_words(words, defaults))]
