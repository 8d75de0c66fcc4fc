"""`ktrace lines`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli.combining import excludes, needs
from ktrace.cli.probe_options import ANY_BUILD, DEBUG_INFO
from ktrace.cli.traced import traced

if TYPE_CHECKING:
    from ktrace.errors import NotFound
    from ktrace.model.debuginfo import FileLines, FunctionLines
    from ktrace.model.miss import Miss
    from ktrace.symbols.dwarf.info import DebugInfo

_SHOWN = 20  # lines after the requested one


def lines(
    what: Annotated[
        str, typer.Argument(metavar="FUNCTION|FILE:LINE", help="The lines to show; also FILE:A-B.")
    ],
    source: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The directory of the kernel's sources.")
    ] = None,
    vmlinux: Annotated[Path | None, DEBUG_INFO] = None,
    force: Annotated[bool, ANY_BUILD] = False,
    module: Annotated[
        str | None, typer.Option("-m", "--module", metavar="NAME", help="Look in this loaded module.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each function.")] = False,
) -> int:
    """Show the lines of a function or a source file; `*` marks those that can be probed.

    Lines of a function are counted from the line of its declaration: `ktrace add vfs_read:12`. It needs
    the kernel's debug info, and to show the text of the lines also its sources.

    \b
    Examples:
      ktrace lines vfs_read
      ktrace lines vfs_read --source ~/linux
      ktrace lines fs/read_write.c:474
      ktrace lines fs/read_write.c:470-480 --json | jq '.lines[].places[].place'
    """
    needs("--force", force, "--vmlinux FILE", vmlinux)
    excludes("--module", module, ("--vmlinux", vmlinux))
    import json
    import os
    from dataclasses import replace

    from ktrace.cli.progress import showing_progress
    from ktrace.output.views.lines import lines_record, lines_text
    from ktrace.resolve import place_words
    from ktrace.symbols.dwarf.find import DebugPaths, kernel_debug_info, module_debug_info
    from ktrace.symbols.dwarf.sources import read_source, source_folders

    paths = DebugPaths.of(traced(), os.environ)
    module = module or getattr(place_words.parse_source_place(what), "module", None)
    with showing_progress(before_output=True) as progress:
        paths = replace(paths, watch=progress.downloaded)
        info = module_debug_info(paths, module) if module else kernel_debug_info(paths, vmlinux, force=force)
    folders = (source,) if source else source_folders(paths.release)
    for found, first, last in _find(info, what):
        text = read_source(found.file, found.directory, folders)
        if as_json:
            print(json.dumps(lines_record(found, text, first, last)))
        else:
            sys.stdout.write(lines_text(found, text, first, last))
    return 0


def _find(info: "DebugInfo", what: str) -> "list[tuple[FunctionLines | FileLines, int, int]]":
    """Return what to show, with the first and last line of each."""
    from ktrace.errors import UsageError
    from ktrace.model.miss import Miss
    from ktrace.output.views.lines import line_span
    from ktrace.resolve import place_words

    wanted = place_words.parse_source_place(what)
    if isinstance(wanted, place_words.FunctionsOfFiles):
        raise UsageError("one function or file at a time", hint=f"ktrace lines {wanted.glob}:1-100")
    if isinstance(wanted, place_words.LinesOfFile):
        last = wanted.last or wanted.first + _SHOWN
        found = info.lines_in(wanted.file, wanted.first, last)
        if isinstance(found, Miss):
            raise not_found(found)
        return [(found, wanted.first, last)]
    functions = info.lines_of(wanted.function if wanted else what)
    if isinstance(functions, Miss):
        raise not_found(functions)
    shown = []
    for function in functions:
        first, last = line_span(function.lines, function.declared)
        if wanted:
            first += wanted.first
            last = function.declared + wanted.last if wanted.last else first + _SHOWN
        shown.append((function, first, last))
    return [*shown]


def not_found(miss: "Miss") -> "NotFound":
    """Return the error for a name that was not found, with similar names."""
    from ktrace.errors import NotFound

    near = f"near: {', '.join(miss.near)}" if miss.near else None
    return NotFound(f"{miss.source}: {miss.reason}", hint=near)
