"""The events of hooks."""

from collections.abc import Sequence

import pytest

from ktrace.errors import KtraceError, NotFound
from ktrace.script.kernel_interface import Found, Read
from ktrace.script.language.points import AtEvent, AtFunction, AtSyscall
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.compilation import Compilation
from ktrace.script.passes.find_events import find_events
from tests.unit.script.passes.one_pass import after
from tests.unit.script.scripts import FakeKernel


def events(made: Compilation) -> list[tuple[str, list[str], list[str]]]:
    return [(b.scope, [f.event for f in b.found], [f.event for f in b.entries]) for b in made.bound]


def test_events_and_entries() -> None:
    text = """
        probe begin {}
        probe kernel.function("f") { println($x) }
        probe kernel.function("f").return { println($return) }
        probe kernel.function("g").return { println(@entry($x)) }
    """
    assert events(after(find_events, text, FakeKernel(["f", "g"]))) == [
        ("probe 0", [], []),
        ("probe 1", ["f"], []),
        ("probe 2", ["f_return"], []),
        ("probe 3", ["g_return"], ["g"]),
    ]


def test_an_optional_hook_is_left_out_with_a_note() -> None:
    text = 'probe kernel.function("f")?, kernel.function("g")? { println($x->gone) }'
    made = after(find_events, text, FakeKernel(["f"], missing=["x->gone"]))
    assert events(made) == []
    assert made.notes == [
        'kernel.function("f") is left out: t.stp:1:7: kernel.function("f"): f has no x->gone'
    ]


class Stubborn(FakeKernel):
    """A kernel that raises the same error each time, as one that remembers its answers does."""

    error = NotFound("no memory of it")

    def find(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> Sequence[Found]:
        raise self.error


def test_an_error_that_the_kernel_raises_again_names_one_point_each_time() -> None:
    text = 'probe kernel.function("f")?, kernel.function("g")? {}'
    assert after(find_events, text, Stubborn(["f", "g"])).notes == [
        'kernel.function("f") is left out: t.stp:1:7: kernel.function("f"): no memory of it',
        'kernel.function("g") is left out: t.stp:1:30: kernel.function("g"): no memory of it',
    ]


def test_a_wildcard_needs_one_event() -> None:
    aliases = 'probe a.x = kernel.function("f") {} probe a.y = kernel.function("g") {} '
    assert len(after(find_events, aliases + "probe a.* {}", FakeKernel(["g"])).bound) == 1
    with pytest.raises(KtraceError, match="no f"):
        after(find_events, aliases + "probe a.* {}", FakeKernel([]))


def test_the_first_mistake_in_the_text_is_the_one_that_is_told() -> None:
    gone, wrong = 'probe kernel.function("gone") {}', "probe begin { println($x) }"
    with pytest.raises(NotFound, match="no gone"):
        after(find_events, gone + wrong, FakeKernel([]))
    with pytest.raises(ScriptError, match="no variables of the kernel"):
        after(find_events, wrong + gone, FakeKernel([]))


def test_without_a_kernel() -> None:
    with pytest.raises(ScriptError, match="needs a kernel to be probed"):
        after(find_events, 'probe kernel.function("f") {}')
