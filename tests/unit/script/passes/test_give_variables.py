"""Functions that read the kernel's variables."""

import pytest

from ktrace.script.language.source import ScriptError
from tests.unit.script.scripts import FakeKernel, compiled, events, feed, start


@pytest.mark.parametrize(
    ("functions", "call", "text"),
    [
        ("function f() { println($count) }", "f()", "5\n-1\n"),
        ("function f(n) { println(n + $count * 2) }", "f(10)", "20\n8\n"),
        ("function g() { println($count) } function f() { g() }", "f()", "5\n-1\n"),
        ("function g() { return $count } function f() { println(g() + 1) }", "f()", "6\n0\n"),
        ("function f(n) { if (n > 0) f(n - 1); else println($count) }", "f(3)", "5\n-1\n"),
        ("function f() { x = $count if (x > 0) println(x) }", "f()", "5\n"),
        ("function f() { if ($count + 1) println(10 / ($count + 1)) }", "f()", "1\n"),
        ("function g() { println($count) return 1 } function f() { return g() }", "f()", "5\n-1\n"),
        ("function f() { return $count }", "println(f())", "5\n-1\n"),
    ],
)
def test_a_function_reads_at_the_probe_that_calls_it(functions: str, call: str, text: str) -> None:
    ran = start(f'{functions} probe kernel.function("f") {{ {call} }}', FakeKernel(["f"]))
    feed(ran, events("f", {"f0": [5, -1]}))
    assert ran.text == text


def test_probes_give_it_their_own_values() -> None:
    kernel = FakeKernel(["f", "g"])
    text = (
        'function p() { println($n) } probe kernel.function("f") { p() } probe kernel.function("g") { p() }'
    )
    ran = start(text, kernel)
    feed(ran, events("f", {"f0": [1]}))
    feed(ran, events("g", {"f0": [2]}))
    assert ran.text == "1\n2\n"


@pytest.mark.parametrize(
    "script",
    [
        "function f() { println($n) } probe begin { f() }",
        'function f() { $n = 1 } probe kernel.function("f") { f() }',
        'function f(i) { println($n[i]) } probe kernel.function("f") { f(1) }',
    ],
)
def test_what_cannot_be_given_is_refused(script: str) -> None:
    with pytest.raises(ScriptError):
        compiled(script, FakeKernel(["f"]))
