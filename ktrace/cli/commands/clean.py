"""`ktrace clean`."""

import sys
from typing import Annotated

import typer


def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, as shell.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a record for each dead session.")] = False,
) -> int:
    """Remove what dead ktrace sessions left behind: their instances and probes.

    Everything that a session makes is named ktrace_PID_STARTTIME. What belongs to a process that still
    runs is not touched, nor is anything that has another name.

    \b
    Examples:
      ktrace clean --dry-run
      ktrace clean
    """
    import json

    from ktrace.cli.report import report_all
    from ktrace.errors import Busy
    from ktrace.session.clean import clean as clean_one
    from ktrace.session.clean import find_leftovers
    from ktrace.tracefs.mount import find_tracing

    tracing = find_tracing()
    problems = []
    leftovers = find_leftovers(tracing)
    for leftover in leftovers:
        if as_json:
            record = {
                "schema": 1,
                "type": "leftover",
                "pid": leftover.owner.pid,
                "instances": list(leftover.instances),
                "probes": [probe.event for probe in leftover.probes],
                "synthetic": list(leftover.synthetic),
            }
            print(json.dumps(record))
        if dry_run:
            if not as_json:
                sys.stdout.writelines(line + "\n" for line in leftover.to_plan().to_shell(tracing.root))
            continue
        for step, error in clean_one(tracing, leftover):
            hint = "somebody still reads it, perhaps in a container: its probes were left alone, too"
            problems.append(Busy(f"{step.path}: {error.strerror}", hint=hint))
        if not as_json:
            count = f"{len(leftover.instances)} instance(s), {len(leftover.probes)} probe(s)"
            print(f"{leftover.owner.name}: {count}")
    if not leftovers and not as_json:
        print("ktrace: nothing was left behind", file=sys.stderr)
    return report_all(problems)
