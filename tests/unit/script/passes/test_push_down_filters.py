"""Conditions that the kernel may test, and conditions that it must not."""

from dataclasses import dataclass, replace

import pytest

from ktrace.script.kernel_interface import Found
from tests.unit.script.scripts import FakeKernel, compiled


@dataclass
class Typed(FakeKernel):
    """Every number is of one type."""

    kind: str = "u32"

    def find(self, site, reads) -> list[Found]:  # type: ignore[override]
        found = super().find(site, reads)
        types = tuple(self.kind if read.kind == "number" else "string" for read in reads)
        return [replace(one, types=types) for one in found]


def pushed(body: str, *, point: str = 'kernel.function("f")', more: str = ""):
    return compiled(f"global g {more} probe {point} {{ {body} }}", Typed(["f", "h"])).pushed


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if ($x == 5) g++", "f0 == 5"),
        ("if (5 < $x) g++", "f0 > 5"),
        ("if ($x == 5 && $y != 0 && g == 1) g++", "f0 == 5 && f1 != 0"),
        ("if ($x != 5) next; g++", "f0 == 5"),
        ("if ($x < 5 || $y == 3 || g) next; g++", "f0 >= 5 && f1 != 3"),
        ("a = $y; if ($x == 5) g = a", "f1 == 5"),
        ('if (execname() == "dd") g++', 'COMM == "dd"'),
        ("if (tid() == 7 && cpu() != 1) g++", "common_pid == 7 && CPU != 1"),
        # What the kernel might understand otherwise, or what is more than a test.
        ("if ($x == -1) g++", None),
        ("if ($x == 4294967295) g++", None),
        ("if ($x == g) g++", None),
        ("if ($x == 5) g++; else g--", None),
        ("if ($x == 5) g++; g--", None),
        ("g++; if ($x == 5) g++", None),
        ("if (g++ == 1 && $x == 5) g++", None),
        ("if ($x == 5 || $y == 3) g++", None),
        ("if (1 / g == 1 && $x == 5) g++", None),
        ('if (execname() =~ "d" && $x == 5) g++', None),
        ('if (execname() == "a*") g++', None),
        ('if (printf("x") == 0 && $x == 5) g++', None),
    ],
)
def test_filters(body: str, expected: str | None) -> None:
    found = pushed(body)
    assert list(found.filters.values()) == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("kind", "comparison", "expected"),
    [
        ("u64", "$x > 5", "(f0 > 5 && f0 <= 9223372036854775807)"),
        ("x64", "$x >= 5", "(f0 >= 5 && f0 <= 9223372036854775807)"),
        ("u64", "$x < 5", "(f0 < 5 || f0 > 9223372036854775807)"),
        ("u64", "5 >= $x", "(f0 <= 5 || f0 > 9223372036854775807)"),
        ("u64", "$x == 5", "f0 == 5"),
        ("s64", "$x < 5", "f0 < 5"),
        ("x32", "$x < 5", "f0 < 5"),
        ("", "$x < 5", None),
        ("", "$x == 5", "f0 == 5"),
    ],
)
def test_the_largest_numbers_without_sign_are_negative_here(
    kind: str, comparison: str, expected: str | None
) -> None:
    script = f'global g probe kernel.function("f") {{ if ({comparison}) g++ }}'
    found = compiled(script, Typed(["f"], kind=kind)).pushed.filters
    assert list(found.values()) == ([] if expected is None else [expected])


def test_a_condition_of_the_point() -> None:
    found = pushed("g++", point='kernel.function("f") if ($x == 1)')
    assert list(found.filters.values()) == ["f0 == 1"]


def test_not_where_a_return_takes_back_what_its_entry_kept() -> None:
    assert not pushed("if ($return == 5) g = $x", point='kernel.function("f").return').filters
    assert pushed("if ($return == 5) g++", point='kernel.function("f").return').filters


def test_not_where_another_handler_has_the_same_event() -> None:
    other = 'probe kernel.function("f") { g-- }'
    assert not pushed("if ($x == 5) g++", more=other).filters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('probe kernel.function("f") { if (pid() == target()) g++ }', True),
        ('probe kernel.function("f") { if (target() == tid() && g) g++ } probe end { g++ }', True),
        ('probe kernel.function("f").return { if (pid() != target()) next; g = @entry($x) }', True),
        (
            'probe kernel.function("f") { if (pid() == target()) g++ } probe kernel.function("h") { g++ }',
            False,
        ),
        ('probe kernel.function("f") { g = pid() == target() }', False),
        ("probe begin { if (pid() == target()) g++ }", False),
    ],
)
def test_only_the_target(text: str, expected: bool) -> None:
    assert compiled("global g " + text, Typed(["f", "h"])).pushed.only_target is expected
