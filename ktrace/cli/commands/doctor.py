"""`ktrace doctor`: show what works on this machine, and how to fix what does not."""

from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli.traced import traced

if TYPE_CHECKING:
    from ktrace.doctor.fact import Fact


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Show what works on this machine, and how to fix what does not.

    Each line has a mark: ok; -- something is missing or may be surprising; !! kprobes cannot be used
    because of this; ?? it could not be found out. An arrow below says what to do. Nothing is
    changed, and root is not needed, though root sees more.

    Exit status: 0 if kprobes can be used, otherwise 5.

    \b
    Examples:
      ktrace doctor
      sudo ktrace doctor && sudo ktrace trace vfs_read
      ktrace doctor --json | jq -r '.facts[] | select(.status=="bad").advice'
      ktrace doctor --json | jq .features.fprobe
    """
    from ktrace.doctor.machine import Machine
    from ktrace.doctor.report import examine
    from ktrace.errors import Unavailable

    report = examine(Machine(traced()), [_vm_fact()])
    if as_json:
        import json

        print(json.dumps(report.to_json()))
    else:
        import sys

        from ktrace.doctor.screen import COLOURS, to_text
        from ktrace.output.terminal.colour import painted

        print(painted(to_text(report), COLOURS, sys.stdout))
    return 0 if report.usable else Unavailable.exit_code


def _vm_fact() -> "Fact":
    """Check whether `ktrace vm` has what it needs."""
    from ktrace.doctor.fact import Fact
    from ktrace.errors import KtraceError
    from ktrace.host.local import LocalHost
    from ktrace.vm import accel, programs

    here = LocalHost()  # QEMU runs here, whatever machine is examined
    try:
        programs.find(here)
    except KtraceError as error:
        return Fact("ktrace vm", "warn", error.message, error.hint or "")
    except OSError as error:
        return Fact("ktrace vm", "unknown", str(error))
    found = accel.detect(here)
    return Fact("ktrace vm", "ok", "ready, by KVM" if found.kvm else f"ready, emulated: {found.reason}")
