"""`ktrace examples`."""

import json
from typing import Annotated

import typer

from ktrace.cli.run_options import JSON


def examples(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORD...", help="Only those with all these words.")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> int:
    """Show questions and the command lines that answer them.

    \b
    Examples:
      ktrace examples
      ktrace examples slow read
      ktrace examples network
    """
    from ktrace.cli.one_liners import ONE_LINERS
    from ktrace.errors import NotFound

    found = [one for one in ONE_LINERS if one.matches(words or [])]
    if not found:
        from ktrace.cli.one_liners import words_near

        hint = "fewer words, or `ktrace examples`"
        if near := words_near(words or []):
            hint = f"did you mean {' or '.join(near)}?\n{hint}"
        raise NotFound(f"no example has '{' '.join(words or [])}'", hint=hint)
    for one in found:
        if as_json:
            record = {"schema": 1, "type": "example", "question": one.question, "command": one.command}
            print(json.dumps(record))
        else:
            print(f"# {one.question}\n  {one.command}")
    return 0
