"""Handlers that the kernel can replace by counting, and handlers that it must not."""

import pytest

from ktrace.script.passes.counted import Counted
from tests.unit.script.passes.test_push_down_filters import Typed
from tests.unit.script.scripts import compiled


def counted(body: str, *, point: str = 'kernel.function("f")', more: str = "probe end { }") -> Counted:
    return compiled(f"global g, h, t {more} probe {point} {{ {body} }}", Typed(["f", "h"])).counted


def triggers(body: str, **given: str) -> list[str]:
    return [table.hist.to_text() for table in counted(body, **given).tables]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("t++", ["hist:keys=common_type:size=128"]),
        ("g[$x]++", ["hist:keys=f0:size=4096"]),
        ('g["a", tid()] += 5', ["hist:keys=common_pid:size=4096"]),
        ("g[$x] -= $y; h[$x]--", ["hist:keys=f0:vals=hitcount,f1:size=4096"]),
        ("g[$x, $y]++; t++", ["hist:keys=f0,f1:size=4096", "hist:keys=common_type:size=128"]),
        ("g[probefunc()]++", ["hist:keys=common_type:size=128"]),
        ("if ($x == 5) g[$y]++", ["hist:keys=f1:size=4096 if f0 == 5"]),
        ("if ($x != 5) next; t++", ["hist:keys=common_type:size=128 if !(f0 != 5)"]),
        ("if ($x) t++", ["hist:keys=common_type:size=128 if f0 != 0"]),
        (
            "if ($x > 5 || cpu() == 1) t++; else g[1]++",
            [
                "hist:keys=common_type:size=128 if (f0 > 5 || CPU == 1)",
                "hist:keys=common_type:size=128 if !((f0 > 5 || CPU == 1))",
            ],
        ),
        (
            "t += $x > 5 ? $x : 0",
            [
                "hist:keys=common_type:vals=hitcount,f0:size=128 if f0 > 5",
                "hist:keys=common_type:size=128 if !(f0 > 5)",
            ],
        ),
        # What is left out of one table of an event is left out of all.
        (
            "g[execname()]++; t++",
            ['hist:keys=f0:size=4096 if !(f0 ~ "* ")', 'hist:keys=common_type:size=128 if !(f0 ~ "* ")'],
        ),
        # More than counting, or what the kernel has not.
        ("t++; println(t)", []),
        ("t = 5", []),
        ("t *= 2", []),
        ("g[pid()]++", []),
        ("g[$x + 1]++", []),
        ("g[t]++", []),
        ("t <<< gettimeofday_us()", []),
        ("t += $x * 2", []),
        ("if (t > 5) t++", []),
        ("if ($x == -1) t++", []),
        ("if ($x == 1) exit()", []),
        ("try { t++ } catch { }", []),
        ("for (i = 0; i < 3; i++) t++", []),
        ("a = t; t++; h[a]++", []),
        ("g[execname(), kernel_string($x)]++", []),
        ("g[$a, $b, $c, $d]++", []),
        ("h[$a] <<< $b; g[$a] += $c; t++; g[$a] += $d", []),
    ],
)
def test_handlers(body: str, expected: list[str]) -> None:
    assert triggers(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("g[cpu()] <<< $x", ["hist:keys=common_cpu:vals=hitcount,f0:size=4096"]),
        ("a = $x; b = a; g[b] <<< a", ["hist:keys=f0:vals=hitcount,f0:size=4096"]),
    ],
)
def test_aggregates(body: str, expected: list[str]) -> None:
    assert triggers(body, more="probe end { print(@count(g[1])) }") == expected
    assert not triggers(body)  # nobody looks at it: at the end all of it is shown, the least, too


@pytest.mark.parametrize(
    ("more", "possible"),
    [
        ("probe end { print(@count(h) + @sum(h) + @avg(h)) }", True),
        ("probe end { print(@min(h)) }", False),
        ("probe end { print(@max(h)) }", False),
        ("probe end { print(@variance(h)) }", False),
        ("probe end { print(@hist_log(h)) }", False),
        ("probe timer.s(1) { print(@count(h)) }", True),
        ("probe timer.s(1) { print(@sum(h)) }", True),
        ("probe timer.s(1) { print(@avg(h)) }", False),
        ("function f() { return @count(h) } probe timer.s(1) { f() } probe end { print(@sum(h)) }", False),
        ("probe timer.s(1) { exit() } probe end { print(@avg(h)) }", True),
        ("probe error { }", False),
        ('probe kernel.function("h") { t++ } probe end { print(@count(h)) }', True),
        ('probe kernel.function("h") { println(1) }', False),
    ],
)
def test_what_is_asked_of_it(more: str, possible: bool) -> None:
    assert bool(counted("h <<< $x", more=more).tables) is possible


@pytest.mark.parametrize(
    ("body", "timer", "possible"),
    [
        ("g[$x]++", "delete g", False),
        ("g[$x]++", "delete g[1]", False),
        ("g[$x]++", "g[1] = 0", True),
        ("g[$x]++", "t = 0", True),
        ("g[cpu()]++", "delete g", True),
        ('g["a"]++', "delete g", True),
        ("t++", "t = 0", True),
    ],
)
def test_elements_that_are_deleted_meanwhile(body: str, timer: str, possible: bool) -> None:
    assert bool(triggers(body, more=f"probe timer.s(1) {{ {timer} }}")) is possible
    assert triggers(body, more=f"probe begin {{ {timer} }} probe end {{ {timer} }}")


def test_timers_that_look_are_known() -> None:
    more = "probe timer.s(1) { println(t) } probe timer.s(2) { exit() }"
    assert counted("t++", more=more).seen_by == {"probe 0"}


@pytest.mark.parametrize(
    ("declared", "size"),
    [("x", 4096), ("x[100]", 128), ("x[128]", 256), ("x[65535]", 65536), ("x[65536]", None), ("x%", None)],
)
def test_a_table_has_more_room_than_the_array(declared: str, size: int | None) -> None:
    script = f'global {declared} probe kernel.function("f") {{ x[$a]++ }}'
    tables = compiled(script, Typed(["f"])).counted.tables
    assert [table.hist.size for table in tables] == ([] if size is None else [size])


def test_not_where_the_value_at_the_entry_is_kept() -> None:
    assert not triggers("t += $x", point='kernel.function("f").return')
    assert triggers("t += $return", point='kernel.function("f").return')
