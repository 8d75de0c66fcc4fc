"""The events of hooks."""

from collections.abc import Sequence

import pytest

from ktrace.errors import KtraceError, NotFound
from ktrace.script.kernel_interface import Found, Read
from ktrace.script.language.points import AtEvent, AtFunction, AtSyscall
from ktrace.script.language.source import NoSuchPoint, ScriptError
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
    text = 'probe kernel.function("f")?, kernel.function("g")? { println($x) }'
    made = after(find_events, text, FakeKernel(["f"]))
    assert events(made) == [("probe 0", ["f"], [])]
    assert list(made.notes) == [
        """kernel.function("g") is left out: t.stp:1:30: 'kernel.function("g")' matches nothing here"""
    ]


@pytest.mark.parametrize("mark", ["?", "!"])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("println($x->gone)", r"f has no x->gone"),
        ("println($return)", r"\$return is known at a function's return"),
        ("println(kernel_string($x * $x))", "this value is only known later"),
        ("$x = 1", "nothing is written to the kernel"),
    ],
)
def test_any_other_mistake_in_an_optional_point_is_an_error(mark: str, body: str, message: str) -> None:
    kernel = FakeKernel(["f"], missing=["x->gone"])
    with pytest.raises(KtraceError, match=message) as caught:
        after(find_events, f'probe kernel.function("f"){mark}, begin {{ if (0) println(1); {body} }}', kernel)
    assert "t.stp:1:" in caught.value.message


def test_an_alias_wildcard_does_not_pass_over_a_member_that_is_not_there() -> None:
    text = 'probe a.x = kernel.function("f") { v = $x->gone } probe a.y = kernel.function("g") { v = 1 } '
    kernel = FakeKernel(["f", "g"], missing=["x->gone"])
    assert len(after(find_events, text + "probe a.* {}", kernel).bound) == 2
    with pytest.raises(KtraceError, match=r"f has no x->gone"):
        after(find_events, text + "probe a.* { println(v) }", kernel)


def test_one_of_many_functions_may_lack_what_the_handler_reads() -> None:
    kernel = FakeKernel(["fa", "fb"], missing=["b"])
    with pytest.raises(KtraceError, match=r"fa has no b"):
        after(find_events, 'probe kernel.function("f*") { println($$parms) }', kernel)


def test_an_error_that_the_kernel_raises_again_names_one_point_each_time() -> None:
    error = NotFound("no memory of it")
    for function in "fg":
        with pytest.raises(NotFound, match=rf'^t.stp:1:7: kernel.function\("{function}"\): no memory of it$'):
            after(find_events, f'probe kernel.function("{function}")? {{}}', Stubborn(["f", "g"], error))


class Stubborn(FakeKernel):
    """A kernel that raises the same error each time, as one that remembers its answers does."""

    def __init__(self, functions: Sequence[str], error: NotFound) -> None:
        super().__init__(functions)
        self.error = error

    def find(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> Sequence[Found]:
        raise self.error


def test_a_wildcard_needs_one_event() -> None:
    aliases = 'probe a.x = kernel.function("f") {} probe a.y = kernel.function("g") {} '
    assert len(after(find_events, aliases + "probe a.* {}", FakeKernel(["g"])).bound) == 1
    with pytest.raises(NoSuchPoint, match=r"'a\.\*' matches nothing here"):
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
