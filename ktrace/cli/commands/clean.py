"""`ktrace clean`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli.report import report_all
from ktrace.cli.traced import traced

if TYPE_CHECKING:
    from ktrace.errors import KtraceError
    from ktrace.probes.clean import Leftover
    from ktrace.tracefs.files import Files


def clean(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, as shell commands.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a record for each session.")] = False,
    force: Annotated[
        list[str] | None,
        typer.Option("--force", metavar="NAME", help="Also remove a session that may still run."),
    ] = None,
) -> int:
    """Remove the instances, probes and mounts that dead ktrace sessions left.

    The name of everything that a session makes is ktrace_PID_STARTTIME_NAMESPACE. Nothing of a session
    that still runs is removed, and nothing with another name. If it is not known whether a session runs,
    clean says so and leaves it; --force with its name removes it anyway.

    \b
    Examples:
      ktrace clean --dry-run
      ktrace clean
      ktrace clean --force ktrace_182_1406
    """
    from ktrace.model.plan import Plan
    from ktrace.probes.clean import find_sessions
    from ktrace.tracefs.holding import Life
    from ktrace.tracefs.mount import find_tracing

    tracing = find_tracing(traced())
    problems: list[KtraceError] = []
    found = find_sessions(tracing)
    forced = _forced(found, force or ())
    for one in found:
        wanted = one.is_dead or one in forced
        if one.verdict.life is Life.ALIVE:
            _tell_alive(one, as_json)
            continue
        if as_json:
            _print_record(one)
        if not wanted:
            problems.append(_cannot_tell(one))
        elif not dry_run:
            problems += _remove(tracing, one, as_json)
        elif not as_json:
            plan: Plan = one.to_plan()
            sys.stdout.writelines(line + "\n" for line in plan.to_shell(tracing.root))
    mounts = _dead_mounts(dry_run=dry_run, problems=problems)
    if not (found or mounts) and not as_json:
        print("ktrace: nothing was left behind", file=sys.stderr)
    return report_all(problems)


def _dead_mounts(*, dry_run: bool, problems: "list[KtraceError]") -> int:
    """Remove the mounts of killed scripts (`run --procfs DIR`), and return their number."""
    import shlex

    from ktrace.diagnostic import note
    from ktrace.errors import KtraceError
    from ktrace.script.serving.folder import clear, dead_mounts

    found = dead_mounts(traced())
    for path in found:
        if dry_run:
            print(f"umount -l {shlex.quote(path)}")
            continue
        try:
            clear(path)
        except KtraceError as error:
            problems.append(error)
        else:
            note(f"{path}: the mount of a script that was killed was removed")
    return len(found)


def _forced(found: "list[Leftover]", names: "list[str] | tuple[()]") -> "list[Leftover]":
    """Return the sessions of these names.

    Raises NotFound or Busy.
    """
    from ktrace.errors import Busy, NotFound
    from ktrace.tracefs.holding import Life

    chosen = []
    for name in names:
        one = next((f for f in found if name == f.owner.name or name in f.instances), None)
        if one is None:
            raise NotFound(
                f"no session called '{name}' has left anything",
                hint="`ktrace clean --dry-run` lists the sessions that have; it does not list running ones",
            )
        if one.verdict.life is Life.ALIVE:
            raise Busy(f"{name} runs: {one.verdict.why}", hint="end that ktrace: it removes all that it made")
        chosen.append(one)
    return chosen


def _remove(tracing: "Files", one: "Leftover", as_json: bool) -> "list[KtraceError]":
    """Remove what a session left and print that; return the errors."""
    from ktrace.errors import Busy
    from ktrace.probes.clean import clean as clean_one
    from ktrace.probes.holders import blame

    problems: list[KtraceError] = []
    for step, error in clean_one(tracing, one):
        hint = "end what uses it, then `ktrace clean` again"
        if step.action == "rmdir":
            hint += ": the probes of this session were not removed either"
        what = f"{step.text} in {step.path}" if step.text else step.path
        problems.append(Busy(f"{what}: {blame(tracing, step, error)}", hint=hint))
    if not as_json and not problems:
        print(f"{one.owner.name}: {_counted(one)}")
    return problems


def _counted(one: "Leftover") -> str:
    return f"{len(one.instances)} instance(s), {len(one.probes)} probe(s)"


def _cannot_tell(one: "Leftover") -> "KtraceError":
    from ktrace.errors import Busy

    name = one.owner.name
    return Busy(
        f"{name} was left alone ({_counted(one)}): it is not known whether it runs: {one.verdict.why}",
        hint=f"ktrace clean --force {name}\nremoves it anyway; clean can tell where it was started",
    )


def _tell_alive(one: "Leftover", as_json: bool) -> None:
    if not as_json:
        print(f"ktrace: {one.owner.name} runs and was left alone: {one.verdict.why}", file=sys.stderr)


def _print_record(one: "Leftover") -> None:
    import json

    record = {
        "schema": 1,
        "type": "leftover",
        "pid": one.owner.pid,
        "state": one.verdict.life.value,
        "instances": list(one.instances),
        "probes": [probe.event for probe in one.probes],
        "synthetic": list(one.synthetic),
    }
    print(json.dumps(record))
