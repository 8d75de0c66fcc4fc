"""Compares what a case printed with what it must print."""

import re

from tests.scripts.case import Case


def check(case: Case, out: str, err: str) -> None:
    """Raises AssertionError with both sides."""
    if case.expect is not None:
        assert out == case.expect, f"{case.name}: {case.title}\n{err}"
    if case.pattern is not None:
        lines, patterns = out.splitlines(), case.pattern.splitlines()
        told = f"{case.name}: {case.title}\n{out}\n{err}"
        assert len(lines) == len(patterns), told
        for line, pattern in zip(lines, patterns, strict=True):
            assert re.fullmatch(pattern, line), f"{pattern!r} is not {line!r}\n{told}"
    for wanted in case.errors:
        assert wanted in err, f"{case.name}: {case.title}: {wanted!r} is not in\n{err}"
    if not case.errors:
        assert "ERROR" not in err, f"{case.name}\n{err}"
