"""Show the report as text for a terminal of 80 columns, with words as marks instead of colours.

If all is well, it fits into 24 lines, because related facts share a line.
"""

import textwrap
from collections.abc import Iterator
from itertools import groupby

from ktrace.diagnostic import visible
from ktrace.doctor.abilities import in_words
from ktrace.doctor.fact import OR_VM, Fact
from ktrace.doctor.report import Report

WIDTH = 80
_MARKS = {"ok": "ok", "warn": "--", "bad": "!!", "unknown": "??"}
_LABEL = 10
COLOURS = (
    (r"^()(kprobes can be used here|ok)(?= |$)", "32"),
    (r"^()(--|\?\?)(?= )", "33"),
    (r"^()(kprobes cannot be used here|!!)(?=[ :])", "1;31"),
    (r"^(   )(->)(?= )", "36"),
)
"""Paint the verdict, marks and arrows of the report."""
# Facts whose names begin with these share a line while they are ok.
_ROWS = {
    "arch": "kernel",
    "CONFIG_": "options",
    "kprobes/": "kprobes",
    "kernel.": "sysctls",
    "debug.": "sysctls",
    "instances": "others",
    "events": "others",
    "tracer": "others",
}
_OFFER = "`ktrace vm` boots a kernel that has kprobes, on this machine's own files: try it there."


def to_text(report: Report) -> str:
    """Return the whole report, without a final newline."""
    lines = [_verdict(report)]
    for row, facts in groupby(report.facts, _row):
        lines += _row_lines(row, list(facts))
    works, lacks = in_words(report.abilities)
    if works:
        lines += _wrapped("", "works", ", ".join(works))
    if lacks:
        lines += _wrapped("", "not here", ", ".join(lacks))
    if any(fact.status == "bad" and OR_VM in fact.advice for fact in report.facts):
        lines += textwrap.wrap(_OFFER, WIDTH)
    return "\n".join(lines)


def _verdict(report: Report) -> str:
    if report.usable:
        return "kprobes can be used here"
    reasons = ", ".join(fact.name for fact in report.facts if fact.status == "bad")
    return textwrap.fill(f"kprobes cannot be used here: {reasons}", WIDTH, subsequent_indent="  ")


def _row(fact: Fact) -> str:
    return next((row for prefix, row in _ROWS.items() if fact.name.startswith(prefix)), fact.name)


def _row_lines(row: str, facts: list[Fact]) -> Iterator[str]:
    """Yield one line for all facts that are ok, then the others, equal ones together."""
    well = [fact for fact in facts if fact.status == "ok"]
    if well:
        yield from _wrapped(_MARKS["ok"], row, _joined(row, well))
    rest = (fact for fact in facts if fact.status != "ok")
    for (status, value, advice), alike in groupby(rest, lambda f: (f.status, f.value, f.advice)):
        yield from _wrapped(_MARKS[status], ", ".join(fact.name for fact in alike), value)
        if advice:
            yield from _block(" " * 3 + "-> ", " " * 6, advice)


def _joined(row: str, facts: list[Fact]) -> str:
    if row == "options":
        return " ".join(_short(fact) for fact in facts)
    if row in (facts[0].name, "kernel"):
        return " ".join(fact.value for fact in facts)
    return "; ".join(f"{_short(fact)} {fact.value}" for fact in facts)


def _short(fact: Fact) -> str:
    """Return the name without the part that the row's label implies."""
    for prefix in _ROWS:
        if fact.name.startswith(prefix):
            return fact.name.removeprefix(prefix) or fact.name
    return fact.name


def _wrapped(mark: str, label: str, text: str) -> list[str]:
    indent = " " * (_LABEL + 4)
    if len(label) > _LABEL:
        return _block(f"{mark:<2} ", indent, f"{label}: {text}")
    return _block(f"{mark:<2} {label:<{_LABEL}} ", indent, text)


def _block(first: str, indent: str, text: str) -> list[str]:
    """Return lines of at most WIDTH columns, safe to print on a terminal."""
    return textwrap.wrap(
        visible(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,
    ) or [first.rstrip()]
