"""`ktrace parse`."""

from typing import Annotated

import typer


def parse(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Text of trace or trace_pipe; - is stdin.")
    ] = "-",
    as_text: Annotated[
        bool, typer.Option("--text", help="Print as text, with escapes made visible.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 7 if a line was not understood.")
    ] = False,
) -> int:
    """Convert the text of trace or trace_pipe to JSON Lines.

    It reads a file, or a pipe as data arrive, and needs neither root nor a kernel that can trace. Names
    and types of the arguments are learned from the lines of the events. A line that is not understood
    becomes a record of type "unparsed"; their number is printed at the end, on stderr.

    \b
    Examples:
      ktrace parse trace.txt > trace.jsonl
      sudo cat /sys/kernel/tracing/trace_pipe | ktrace parse | jq -c .args
      ktrace parse --text trace.txt | less
      ktrace parse --strict trace.txt > /dev/null && echo all understood
    """
    import sys

    from ktrace.cli.interrupts import interruptible
    from ktrace.errors import Damaged
    from ktrace.output.formats.jsonl import JsonLines
    from ktrace.output.formats.text import Text
    from ktrace.storage.target import check_inputs
    from ktrace.tracefs.pipe_text import TextParser
    from ktrace.tracefs.text_file import pieces_of

    check_inputs([file])
    sink = Text(sys.stdout.buffer) if as_text else JsonLines(sys.stdout.buffer)
    parser = TextParser()
    with interruptible("standard input" if file == "-" else file):
        for piece in pieces_of(file):
            sink.write(parser.feed(piece) if piece else parser.idle())
            if not piece:
                sink.flush()
        sink.write(parser.finish())
        sink.flush()
    print(f"ktrace: {parser.summary()}", file=sys.stderr)
    return Damaged.exit_code if strict and parser.unparsed else 0
