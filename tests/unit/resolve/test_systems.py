"""A misspelt event is not taken for a function of a module that might be loaded one day."""

from dataclasses import replace
from pathlib import Path

import pytest

from ktrace.errors import NotFound
from ktrace.resolve.parse import split_definitions
from ktrace.resolve.resolve import want
from ktrace.resolve.spec import ProbeOptions
from tests.unit.session.places import NEW_README, BuiltKernel

HERE = replace(ProbeOptions(machine="x86_64"), max_probes=500)


@pytest.fixture
def kernel(tmp_path: Path) -> BuiltKernel:
    for name in ("sched_switch", "sched_wakeup"):
        (tmp_path / "tracing/events/sched" / name).mkdir(parents=True)
    (tmp_path / "tracing/events/sched/enable").write_text("0\n")
    (tmp_path / "tracing/events/mod/open_it").mkdir(parents=True)
    return BuiltKernel(tmp_path, NEW_README)


def wanted(kernel: BuiltKernel, text: str) -> list[str]:
    (words,) = split_definitions([text])
    return [one.probe.to_line() for one in want(words, HERE, kernel)]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("sched:sched_swich", "did you mean sched:sched_switch or sched:sched_wakeup?"),
        ("sched:sched_sw", "did you mean sched:sched_switch or sched:sched_wakeup?"),
        ("sched:sched_swx*", "did you mean sched:sched_switch or sched:sched_wakeup?"),
        ("sched:zzzz", "ktrace trace 'sched:*' traces all events of sched"),
        ("kprobes:typo", "ktrace list 'kprobes/*' shows those that there are"),
    ],
)
def test_an_event_that_is_not_there(kernel: BuiltKernel, text: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        wanted(kernel, text)
    system, _, event = text.partition(":")
    assert caught.value.message == (
        f"there is no event '{event}' in {system}, and no module called {system} is loaded"
    )
    assert caught.value.hint == hint


def test_functions_of_modules(kernel: BuiltKernel) -> None:
    assert wanted(kernel, "later:open_it") == ["p:kprobes/open_it later:open_it"]  # waits for the module
    assert wanted(kernel, "sched:vfs_read") == ["p:kprobes/vfs_read sched:vfs_read"]  # is built in
