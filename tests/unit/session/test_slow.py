"""Slow calls, from the kernel's text."""

from dataclasses import dataclass, field

from ktrace.model.slow import Slow
from ktrace.session.slow import SlowCalls

TEXT = b"""\
           sleep-138     [001] ...2.     3.337561: s_lat: lat=30492400 v0=7 v1=a b v2=-11 v3=sleep
           sleep-138     [001] ...2.     3.338738: <stack trace>
 => trace_event_raw_event_synth
 => action_trace
 => kretprobe_trace_func
 => do_syscall_64
 => kretprobe_dispatcher
              sh-140     [000] ...2.     3.400000: s_lat: lat=20000000 v0=8 v1= v2=0 v3=sh
CPU:0 [LOST 3 EVENTS]
"""


@dataclass
class Session:
    pieces: list[bytes]
    steps: list[tuple[str, str]] = field(default_factory=list)

    def read_text(self):
        return self

    def read(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def do_here(self, step) -> None:
        self.steps.append((step.path, step.text))


def test_each_with_its_values_and_the_stack_behind_it() -> None:
    found: list[Slow] = []
    cut = len(TEXT) // 2
    session = Session([TEXT[:cut], TEXT[cut:]])
    fields = [("fd", "v0"), ("name", "v1"), ("$retval", "v2")]
    calls = SlowCalls(session, "synthetic/s_lat", fields, 10_000_000, found.append)  # type: ignore[arg-type]
    calls.arm()
    assert session.steps == [
        ("events/synthetic/s_lat/filter", "lat >= 10000000"),
        ("events/synthetic/s_lat/trigger", "stacktrace if lat >= 10000000"),
        ("events/synthetic/s_lat/enable", "1"),
    ]
    calls.pump()
    assert found == [
        Slow(
            3_337_561_000, 1, 138, "sleep", 30_492_400, {"fd": 7, "name": "a b", "$retval": -11},
            ["do_syscall_64", "kretprobe_dispatcher"],
        ),
        Slow(3_400_000_000, 0, 140, "sh", 20_000_000, {"fd": 8, "name": "", "$retval": 0}, []),
    ]  # fmt: skip
