"""`ktrace type`."""

import sys
from typing import Annotated

import typer

from ktrace.cli.traced import traced


def type_(
    name: Annotated[str, typer.Argument(metavar="TYPE", help="'struct file', 'enum pid_type', loff_t.")],
    members: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MEMBER...]", help="Show only these, such as f_path.dentry."),
    ] = None,
    module: Annotated[
        str | None,
        typer.Option("-m", "--module", metavar="NAME", help="Look first among this module's own types."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Show the memory layout of a type: members with their offsets and sizes in bytes.

    The types are those of the running kernel, from its BTF. A bare name is first looked up as a struct,
    then as a union, an enum and a typedef. For a bitfield, the offset has its first bit after a colon.

    \b
    Examples:
      ktrace type 'struct file'
      ktrace type 'struct file' f_path.dentry f_pos
      ktrace type task_struct comm
      ktrace type 'enum pid_type'
      ktrace type 'struct sock' --json | jq '.members[] | select(.offset == 0)'
    """
    import os

    from ktrace.kernel.types import find_type
    from ktrace.output.views.type import type_record, type_text
    from ktrace.storage.cache import cache_folder
    from ktrace.symbols.btf_files import BtfPaths

    found = find_type(
        name, tuple(members or ()), BtfPaths(traced(), cache=cache_folder(os.environ)), module=module
    )
    sys.stdout.write(type_record(found) + "\n" if as_json else type_text(found))
    return 0
