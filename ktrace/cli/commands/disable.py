"""`ktrace disable`."""

from typing import Annotated

import typer

from ktrace.cli.selection import switch_chosen


def disable(
    names: Annotated[
        list[str] | None, typer.Argument(help="NAME, GROUP/NAME or GROUP:NAME, with wildcards.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All probes.")] = False,
) -> int:
    """Switch probes off in the kernel's top buffer.

    ktrace trace in another terminal is not disturbed: it has switches of its own.

    \b
    Examples:
      ktrace disable do_fork
      ktrace disable --all
    """
    return switch_chosen(names, everything, False)
