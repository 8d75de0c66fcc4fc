"""`ktrace enable`."""

from typing import Annotated

import typer

from ktrace.cli.selection import switch_chosen


def enable(
    names: Annotated[
        list[str] | None, typer.Argument(help="NAME, GROUP/NAME or GROUP:NAME, with wildcards.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All probes.")] = False,
) -> int:
    """Switch probes on in the kernel's top buffer.

    Their events then go into the buffer that everybody shares: read them with `ktrace trace NAME`,
    which also works without this, or from the file trace_pipe.

    \b
    Examples:
      ktrace enable do_fork
      ktrace enable 'vfs_*' mygroup/open
      ktrace enable --all
    """
    return switch_chosen(names, everything, True)
