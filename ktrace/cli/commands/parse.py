"""`ktrace parse`."""

from typing import Annotated

import typer

from ktrace.cli.recording_options import FORMAT, FORMATS
from ktrace.cli.run_options import QUIET
from ktrace.texts.kind import Kind


def parse(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A text; - is stdin.")] = "-",
    as_text: Annotated[
        bool, typer.Option("--text", help="Print as text, with escapes made visible.")
    ] = False,
    format_: Annotated[Kind | None, FORMAT] = None,
    formats: Annotated[str | None, FORMATS] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 7 if a line was not understood.")
    ] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> int:
    """Convert the text of a trace to JSON Lines: from the kernel, trace-cmd, perf or Android.

    It reads a file, or a pipe as data arrive, and needs neither root nor a kernel that can trace. It
    finds the kind of text by itself, and removes what a mail or a log put before each line. Names and
    types of the arguments are learned from the lines of the events. A line that is not understood
    becomes a record of type "unparsed"; their number is printed at the end, on stderr.

    \b
    Examples:
      ktrace parse trace.txt > trace.jsonl
      sudo cat /sys/kernel/tracing/trace_pipe | ktrace parse | jq -c .args
      ktrace parse --text trace.txt | less
      perf script | ktrace parse > samples.jsonl
      ktrace parse --format trace-cmd report.txt > events.jsonl
      ktrace parse --strict trace.txt > /dev/null && echo all understood
    """
    import sys

    from ktrace.cli.interrupts import interruptible
    from ktrace.cli.progress import showing_progress
    from ktrace.diagnostic import note
    from ktrace.errors import Damaged
    from ktrace.output.formats.jsonl import JsonLines
    from ktrace.output.formats.text import Text
    from ktrace.storage.target import check_inputs
    from ktrace.texts.format_files import formats_in
    from ktrace.texts.reader import TextReader
    from ktrace.tracefs.text_file import pieces_of

    check_inputs([file])
    sink = Text(sys.stdout.buffer) if as_text else JsonLines(sys.stdout.buffer)
    parser = TextReader(format_, formats_in(formats) if formats else ())
    done, sizes = 0, [0]
    with interruptible("standard input" if file == "-" else file), showing_progress() as progress:
        for piece in pieces_of(file, sizes.append):
            done += len(piece)
            if sizes[-1]:
                progress.read(min(done / sizes[-1], 1), sizes[-1])
            elif piece:
                progress.opening(done)
            sink.write(parser.feed(piece) if piece else parser.idle())
            if not piece:
                sink.flush()
        sink.write(parser.finish())
        sink.flush()
    for remark in parser.notes:
        note(remark)
    if not quiet:
        print(f"ktrace: {parser.summary()}", file=sys.stderr)
    return Damaged.exit_code if strict and parser.unparsed else 0
