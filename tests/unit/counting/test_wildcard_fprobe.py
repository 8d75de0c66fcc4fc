"""One fprobe at all functions of a wildcard, or none of it."""

import errno
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ktrace.counting.wildcard_fprobe import can_be_one, define_as_one
from ktrace.model.plan import Step
from ktrace.model.probe import Probe
from ktrace.resolve.spec import ProbeOptions
from ktrace.tracefs.apply import write_step
from ktrace.tracefs.files import Files
from tests.unit.tracefs.scripted import Scripted

ENABLE = "events/ktrace_1_2/calls/enable"
PROBE = Probe.from_line("p:ktrace_1_2/calls vfs_read c=$comm")
LINE = "f:ktrace_1_2/calls vfs_* c=$comm"


@dataclass
class Session:
    """A stand-in for a session: it keeps what must be undone, and its instance is the tracing directory."""

    tracing: Scripted
    removed: list[str] = field(default_factory=list)

    @property
    def files(self) -> Files:
        return self.tracing

    def will_remove(self, probe: Probe) -> None:
        self.removed.append(probe.to_line())

    def apply(self, step: Step) -> None:
        write_step(self.tracing, step)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    enabled = "vfs_read (1)\nvfs_write (1)\nvfs_secret (1)\n"
    return Session(Scripted(tmp_path, {"dynamic_events": "", ENABLE: "", "enabled_functions": enabled}))


def define(session: Session, *functions: str) -> Probe | None:
    return define_as_one(session, "vfs_*", PROBE, functions)  # type: ignore[arg-type]  # all of it that is used


def test_defined_and_switched_on_in_one_go(session: Session) -> None:
    probe = define(session, "vfs_read", "vfs_write")
    assert probe is not None and probe.to_line() == LINE
    assert session.tracing.done == [("dynamic_events", LINE), (ENABLE, "1")]
    assert session.removed == [LINE]


def test_a_kernel_that_does_not_take_it(session: Session) -> None:
    session.tracing.refuse["dynamic_events"] = errno.EINVAL
    assert define(session, "vfs_read") is None
    assert session.tracing.done == []


def test_what_the_kernel_made_of_it_is_looked_at(session: Session) -> None:
    assert define(session, "vfs_read", "vfs_open") is None
    assert session.tracing.done[2:] == [(ENABLE, "0"), ("dynamic_events", "-:ktrace_1_2/calls")]


def test_a_kernel_that_cannot_switch_it_on_or_does_not_say(session: Session) -> None:
    (Path(session.tracing.root) / "enabled_functions").unlink()
    assert define(session, "vfs_read") is None
    assert session.tracing.done[-1] == ("dynamic_events", "-:ktrace_1_2/calls")
    session.tracing.refuse[ENABLE] = errno.EINVAL
    assert define(session, "vfs_read") is None
    assert session.tracing.done[-2:] == [("dynamic_events", LINE), ("dynamic_events", "-:ktrace_1_2/calls")]


@pytest.mark.parametrize(
    ("pattern", "options", "fits"),
    [
        ("vfs_*", {}, True),
        ("vfs_*", {"kind": "fprobe"}, True),
        ("vfs_[!a-c]?", {}, True),
        ("!vfs_*", {}, False),  # for the kernel's filter: away with them
        ("vfs_read", {}, False),
        ("ext4:ext4_*", {}, False),
        ("vfs_* x", {}, False),
        ("vfs_*\n", {}, False),
        ("vfs_*%return", {}, False),
        ("vfs_*", {"at_return": True}, False),
        ("vfs_*", {"regs": True}, False),
        ("vfs_*", {"inlined": True}, False),
        ("vfs_*", {"nth": 1}, False),
    ],
)
def test_what_can_be_one(pattern: str, options: dict[str, Any], fits: bool) -> None:
    assert can_be_one(pattern, ProbeOptions(**options)) is fits
