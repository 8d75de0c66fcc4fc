"""Probe points, expanded to hooks."""

import pytest

from ktrace.errors import KtraceError, Unavailable
from ktrace.script.language.points import AtEvent, AtFunction, AtSyscall
from ktrace.script.language.source import NoSuchPoint, ScriptError
from ktrace.script.passes.expand_aliases import expand_aliases
from tests.unit.script.passes.one_pass import after, handlers
from tests.unit.script.scripts import FakeKernel

ALIASES = """
    probe one.a = kernel.function("f") { x = 1 }
    probe one.b = kernel.function("g") { x = 2 }
    probe late += kernel.function("f") { y = 3 }
"""


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        ("probe begin, end { print(1) }", ["begin { print(1); }", "end { print(1); }"]),
        ("probe one.a { print(x) }", ['kernel.function("f") { { (x = 1); } { print(x); } }']),
        ("probe late { print(1) }", ['kernel.function("f") { { print(1); } { (y = 3); } }']),
        ("probe one.a.return { print(x) }", ['kernel.function("f").return { { (x = 1); } { print(x); } }']),
        (
            "probe one.* { print(x) }",
            [
                'kernel.function("f") { { (x = 1); } { print(x); } }',
                'kernel.function("g") { { (x = 2); } { print(x); } }',
            ],
        ),
        ('probe kernel.function("no")?, kernel.function("f") {}', ['kernel.function("f") { }']),
        ('probe kernel.function("f")!, kernel.function("g") {}', ['kernel.function("f") { }']),
        ("probe nothing?, begin {}", ["begin { }"]),
    ],
)
def test_points(probe: str, expected: list[str]) -> None:
    assert handlers(after(expand_aliases, ALIASES + probe, FakeKernel(["f", "g"]))) == expected


def test_a_hook_knows_its_site_and_what_was_asked_for() -> None:
    (hook,) = after(expand_aliases, ALIASES + "probe one.a.return if (1) {}", FakeKernel(["f"])).hooks
    assert hook.site == AtFunction("f", at_return=True)
    assert str(hook.asked) == "one.a.return" and len(hook.conditions) == 1


@pytest.mark.parametrize(
    ("point", "names"),
    [
        ("one.*", ["one.a", "one.b"]),
        ("one.*.return", ["one.a.return", "one.b.return"]),
        ("both", ["both", "both"]),
        ("begi*", ["begin"]),
        ('kernel.function("f")', ['kernel.function("f")']),
    ],
)
def test_a_hook_knows_the_point_that_a_wildcard_stands_for(point: str, names: list[str]) -> None:
    text = f"{ALIASES} probe both = one.* {{}} probe {point} {{}}"
    hooks = after(expand_aliases, text, FakeKernel(["f", "g"])).hooks
    assert [str(hook.name) for hook in hooks] == names
    assert {str(hook.asked) for hook in hooks} == {point}


@pytest.mark.parametrize(
    ("point", "names"),
    [
        ("one.**", ["one.a", "one.b", "one.b.c"]),
        ("o**c", ["one.b.c"]),
        ("**.c", ["one.b.c"]),
        ("on**", ["oneshot", "one.a", "one.b", "one.b.c"]),
        ("one.**.return", ["one.a.return", "one.b.c.return"]),
        ("sys**openat", ["syscall.openat"]),
        ("nd_sys*.openat", ["nd_syscall.openat"]),
        ('kernel.f**("f")', ['kernel.function("f")']),
        ("e**", ["end", "error", "extra"]),
        ("one.b.c.return", ["one.b.c.return"]),
    ],
)
def test_a_point_may_stand_for_several_words(point: str, names: list[str]) -> None:
    aliases = """
        probe one.a = kernel.function("f") {}  probe one.b = begin {}  probe one.b.c = kernel.function("g") {}
        probe extra = begin {}
    """
    made = after(expand_aliases, f"{aliases} probe {point} {{}}", FakeKernel(["f", "g", "openat"]))
    assert [str(hook.name) for hook in made.hooks] == names


@pytest.mark.parametrize("point", ["syscall.*.return.maxactive(10)", "syscall.*.call", "syscall.*.return"])
def test_suffixes_of_functions_mean_nothing_at_the_event_of_all_calls(point: str) -> None:
    (hook,) = after(expand_aliases, f"probe {point} {{}}", FakeKernel(["sys_enter", "sys_exit"])).hooks
    assert hook.site == AtEvent("raw_syscalls", "sys_exit" if "return" in point else "sys_enter")
    assert hook.refused is None


@pytest.mark.parametrize("point", ["syscall.openat.nothing", "syscall.openat.inline", "input.line.return"])
def test_a_suffix_that_an_alias_does_not_take(point: str) -> None:
    (hook,) = after(expand_aliases, f"probe {point} {{}}", FakeKernel(["openat"])).hooks
    assert isinstance(hook.refused, NoSuchPoint)


def test_a_suffix_of_a_system_call() -> None:
    text = "probe syscall.open*.return.maxactive(10) {}"
    hooks = after(expand_aliases, text, FakeKernel(["openat"])).hooks
    assert [hook.site for hook in hooks] == [AtSyscall("openat", at_return=True, maxactive=10)]


def test_a_bad_point_of_an_alias_does_not_take_the_others_with_it() -> None:
    text = 'probe a = kernel.function("f"), kernel.bad("x") {} probe a ? {}'
    made = after(expand_aliases, text, FakeKernel(["f"]))
    assert [str(hook.point) for hook in made.hooks] == ['kernel.function("f")']
    assert "'bad(\"x\")' cannot be probed" in made.notes[0]


@pytest.mark.parametrize("mark", ["?", "!"])
@pytest.mark.parametrize("suffix", ["", ".return"])
def test_a_mark_at_an_alias_holds_for_the_points_that_it_leads_to(mark: str, suffix: str) -> None:
    aliases = 'probe a = kernel.function("no") {} probe b = a {} '
    text = f'{aliases} probe b{suffix}{mark}, kernel.function("f") {{}}'
    made = after(expand_aliases, text, FakeKernel(["f"]))
    assert [str(hook.point) for hook in made.hooks] == ['kernel.function("f")']
    assert "matches nothing here" in made.notes[-1]


def test_an_alias_of_points_that_match_nothing_matches_nothing() -> None:
    text = 'probe a = kernel.function("no")? {} probe a {}'
    with pytest.raises(NoSuchPoint, match="'a' matches nothing here"):
        after(expand_aliases, text, FakeKernel(["f"]))
    assert after(expand_aliases, text.replace("a {}", "a ?, begin {}"), FakeKernel([])).hooks


@pytest.mark.parametrize(
    "point", ['process("x").function("f")', 'perf.sw.cpu_clock.counter("n")', 'kernel.data("x")']
)
def test_a_point_that_cannot_be_probed_here_is_not_passed_over(point: str) -> None:
    (hook, _) = after(expand_aliases, f"probe {point} ?, begin {{}}").hooks
    assert hook.refused is not None


class Doubtful(FakeKernel):
    """A kernel that cannot tell whether a place exists."""

    def exists(self, site: AtFunction | AtEvent | AtSyscall) -> bool:
        raise Unavailable("there is no debug info")


def test_a_point_that_may_be_there_is_left_out_with_a_warning() -> None:
    made = after(expand_aliases, 'probe kernel.statement("f@a.c:1")?, begin {}', Doubtful([]))
    assert len(made.hooks) == 1
    assert list(made.warnings) == ['kernel.statement("f@a.c:1") is left out: there is no debug info']


@pytest.mark.parametrize(
    "text",
    ['probe kernel.function("*@a.c").call ? {}', 'probe a = kernel.function("f@a.c:1") {} probe a ? {}'],
)
def test_a_script_of_which_nobody_knows_whether_it_matches_says_why(text: str) -> None:
    with pytest.raises(NoSuchPoint, match="is known to match anything: there is no debug info"):
        after(expand_aliases, text, Doubtful([]))


def test_an_alias_of_points_that_may_be_there_says_why_it_matches_nothing() -> None:
    text = 'probe a = kernel.function("f@a.c:1") ? {} probe begin {} probe no ?, begin {} probe a {}'
    with pytest.raises(NoSuchPoint, match="'a' matches nothing here") as caught:
        after(expand_aliases, text, Doubtful([]))
    assert caught.value.hint == 'kernel.function("f@a.c:1") is left out: there is no debug info'


def test_a_point_that_there_is_not() -> None:
    with pytest.raises(ScriptError, match=r"there is no probe point 'one\.c'") as caught:
        after(expand_aliases, ALIASES + "probe one.c {}")
    assert caught.value.hint is not None and "one.a" in caught.value.hint


@pytest.mark.parametrize("probe", ['kernel.function("no")?', "nothing!", "own.nothing ?, other ?"])
def test_a_script_of_which_nothing_is_left(probe: str) -> None:
    with pytest.raises(
        NoSuchPoint, match="none of the probe points of this script matches anything"
    ) as caught:
        after(expand_aliases, f"probe {probe} {{ }}", FakeKernel([]))
    assert caught.value.hint is not None and "is left out" in caught.value.hint


@pytest.mark.parametrize("point", ['netfilter.hook("x").pf("y")', 'netfilter.pf("y").hook("x").priority(1)'])
def test_a_point_that_is_refused_with_what_to_use(point: str) -> None:
    (hook,) = after(expand_aliases, f"probe {point} {{}}").hooks
    assert "cannot be probed: hooks are not added to the kernel" in str(hook.refused)


def test_a_script_without_probes() -> None:
    with pytest.raises(KtraceError, match="this script has no probes"):
        after(expand_aliases, ALIASES)
