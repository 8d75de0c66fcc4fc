"""`ktrace funcs`."""

import sys
from typing import Annotated

import typer

from ktrace.cli.traced import traced
from ktrace.diagnostic import note


def funcs(
    pattern: Annotated[
        str, typer.Argument(metavar="GLOB|/REGEX/", help="A name, a wildcard, or /a regular expression/.")
    ],
    module: Annotated[
        str | None, typer.Option("-m", "--module", metavar="NAME", help="Only functions of this module.")
    ] = None,
    probeable: Annotated[
        bool, typer.Option("--probeable", help="Only functions that can be probed.")
    ] = False,
    args: Annotated[bool, typer.Option("--args", help="Show declarations.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each as a JSON record.")] = False,
) -> int:
    """Show functions of the kernel: the module, and whether they can be probed or why not.

    A wildcard (* ? [...]) matches whole names; a regular expression matches anywhere in a name.
    Names come from kallsyms, declarations from the kernel's BTF. Root is not needed, but only root can
    read the lists of functions that cannot be probed.

    \b
    Examples:
      ktrace funcs 'tcp_*'
      ktrace funcs vfs_read --args
      ktrace funcs '/(read|write)_iter$/' --probeable
      ktrace funcs '*' --module ext4
      ktrace funcs 'vfs_*' --json --args | jq -r .signature
    """
    from ktrace.kernel.functions import find_functions
    from ktrace.kernel.kernel import Kernel
    from ktrace.output.terminal.table import terminal_width
    from ktrace.output.views.funcs import function_record, functions_text
    from ktrace.tracefs.files import Files
    from ktrace.tracefs.mount import TRACING, find_debug, find_mount

    kernel = Kernel(
        Files(traced(), find_mount(traced(), "tracefs", TRACING) or TRACING), find_debug(traced())
    )
    rows = find_functions(pattern, kernel, module=module, probeable=probeable, signatures=args)
    if as_json:
        sys.stdout.writelines(function_record(row) + "\n" for row in rows)
        return 0
    sys.stdout.write(functions_text(rows, terminal_width()))
    if any(row.probeable is None for row in rows):
        note("? means that the kernel's lists of probeable functions cannot be read: run it as root")
    return 0
