"""`ktrace show`."""

import sys
from typing import Annotated

import typer

from ktrace.cli.traced import traced


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="NAME, GROUP/NAME or GROUP:NAME of any event.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each event.")] = False,
) -> int:
    """Show an event: definition, state, filter, triggers, hits, and the fields of its record.

    \b
    Examples:
      ktrace show do_fork
      ktrace show sched:sched_switch
      ktrace show do_fork --json | jq .fields
    """
    import json

    from ktrace.output.views.show import event_record, event_text
    from ktrace.probes.show import describe
    from ktrace.tracefs.mount import find_debug, find_tracing

    for description in describe(find_tracing(traced()), find_debug(traced()), name):
        if as_json:
            print(json.dumps(event_record(description)))
        else:
            sys.stdout.write(event_text(description))
    return 0
