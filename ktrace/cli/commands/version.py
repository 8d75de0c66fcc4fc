"""`ktrace version`."""

from typing import Annotated

import typer

from ktrace.cli.traced import traced


def version(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Print the versions of ktrace, Python and the running kernel.

    \b
    Examples:
      ktrace version
      ktrace version --json | jq -r .kernel
    """
    import platform

    from ktrace import __version__

    system = traced().uname()
    if as_json:
        import json

        record = {
            "schema": 1,
            "type": "version",
            "ktrace": __version__,
            "python": platform.python_version(),
            "kernel": system.release,
            "machine": system.machine,
        }
        print(json.dumps(record))
    else:
        print(f"ktrace {__version__} (Python {platform.python_version()})")
        print(f"{system.sysname} {system.release} {system.machine}")
    return 0
