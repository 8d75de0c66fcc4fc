"""`ktrace vars`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli.combining import excludes, needs
from ktrace.cli.probe_options import ANY_BUILD, DEBUG_INFO
from ktrace.cli.traced import traced

if TYPE_CHECKING:
    from ktrace.model.debuginfo import Spot, Variables
    from ktrace.model.miss import Miss
    from ktrace.symbols.dwarf.info import DebugInfo


def vars_(
    place: Annotated[str, typer.Argument(metavar="FUNCTION[:LINE]", help="Also FUNCTION+OFFSET, FILE:LINE.")],
    vmlinux: Annotated[Path | None, DEBUG_INFO] = None,
    force: Annotated[bool, ANY_BUILD] = False,
    module: Annotated[
        str | None, typer.Option("-m", "--module", metavar="NAME", help="Look in this loaded module.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each place.")] = False,
) -> int:
    """Show what a probe can read: arguments and local variables, with their locations.

    With the kernel's debug info, this also works inside a function and in code inlined there. Without
    it, it shows the arguments at a function's entry, from the kernel's BTF.

    \b
    Examples:
      ktrace vars vfs_read
      ktrace vars vfs_read:12
      ktrace vars fs/read_write.c:474 --json | jq '.variables[].fetch'
    """
    needs("--force", force, "--vmlinux FILE", vmlinux)
    excludes("--module", module, ("--vmlinux", vmlinux))
    import json
    import os
    from dataclasses import replace

    from ktrace.cli.progress import showing_progress
    from ktrace.diagnostic import note
    from ktrace.errors import NotFound
    from ktrace.output.views.vars import variables_record, variables_text
    from ktrace.resolve import place_words
    from ktrace.symbols.dwarf.find import DebugPaths, kernel_debug_info, module_debug_info

    paths = DebugPaths.of(traced(), os.environ)
    module = module or getattr(place_words.parse_source_place(place), "module", None)
    try:
        with showing_progress(before_output=True) as progress:
            paths = replace(paths, watch=progress.downloaded)
            info = (
                module_debug_info(paths, module) if module else kernel_debug_info(paths, vmlinux, force=force)
            )
    except NotFound as error:
        in_source = place_words.parse_source_place(place) is not None
        if vmlinux is not None or module is not None or in_source or "+" in place:
            raise
        note(f"{error.message.splitlines()[0]}: arguments by BTF")
        return _by_btf(place, as_json)
    for found in _find(info, place):
        if as_json:
            print(json.dumps(variables_record(found)))
        else:
            sys.stdout.write(variables_text(found))
    return 0


def _find(info: "DebugInfo", place: str) -> "list[Variables]":
    from ktrace.cli.commands.lines import not_found
    from ktrace.model.miss import Miss

    spots = _spots(info, place)
    if isinstance(spots, Miss):
        raise not_found(spots)
    found = []
    for spot in spots:
        variables = info.variables(spot.place, spot.nth)
        if isinstance(variables, Miss):
            raise not_found(variables)
        found.append(variables)
    return found


def _spots(info: "DebugInfo", place: str) -> "tuple[Spot, ...] | Miss":
    from ktrace.errors import UsageError
    from ktrace.model.place import SymbolPlace
    from ktrace.resolve.place_words import FunctionsOfFiles, LinesOfFile, LinesOfFunction, parse_place

    word = parse_place(place)
    match word.place:
        case LinesOfFunction(function, first):
            return info.place_of_function_line(function, first)
        case LinesOfFile(file, first):
            return info.places_of_line(file, first)
        case SymbolPlace() as at if not word.at_return:
            return info.spots(at)
        case FunctionsOfFiles():
            raise UsageError("one place at a time")
    raise UsageError(f"{place} is not a function", hint="FUNCTION, FUNCTION:LINE or FILE:LINE")


def _by_btf(function: str, as_json: bool) -> int:
    import json
    import os

    from ktrace.cli.commands.lines import not_found
    from ktrace.errors import NotFound
    from ktrace.expr import convention
    from ktrace.model.ctype import declare, signature
    from ktrace.model.miss import Miss
    from ktrace.model.near import close_to
    from ktrace.output.views.vars import parameters_record, parameters_text
    from ktrace.storage.cache import cache_folder
    from ktrace.symbols.btf_files import BtfPaths, kernel_types

    types = kernel_types(BtfPaths(traced(), cache=cache_folder(os.environ)))
    functions = types if isinstance(types, Miss) else types.functions(function)
    if isinstance(functions, Miss):
        if not isinstance(types, Miss) and (near := close_to(function, types.names("function"))):
            raise NotFound(f"{functions.source}: {functions.reason}", hint=f"close to it: {', '.join(near)}")
        raise not_found(functions)
    for one in functions:
        places = convention.locate(one.proto, traced().uname().machine)
        rows = [(param, _where(place)) for param, place in zip(one.proto.params, places, strict=True)]
        if as_json:
            found = [(param.name, declare(param.type), where) for param, where in rows]
            print(json.dumps(parameters_record(function, found)))
        else:
            text = [(declare(param.type, param.name), where) for param, where in rows]
            sys.stdout.write(parameters_text(signature(one), text))
    return 0


def _where(location: object) -> str:
    from ktrace.expr import convention

    match location:
        case convention.InRegisters():
            return " ".join(location.names)
        case convention.InMemory():
            return f"{location.offset:+d}({location.base})"
        case convention.Unreachable():
            return f"({location.why})"
    return "?"
