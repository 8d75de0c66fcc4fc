"""Whole screens, as a person sees them, at 80x24, at 120x40, and without a terminal.

    KTRACE_WRITE_SCREENS=1 pytest tests/unit/cli/test_screens.py      # writes those that have changed

Look at each of them before it is committed.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ktrace.diagnostic import Diagnostic, render
from ktrace.doctor.fact import Fact
from ktrace.doctor.report import Report
from ktrace.doctor.screen import COLOURS as DOCTOR
from ktrace.doctor.screen import to_text
from ktrace.model.tally import Range, Row, Tally
from ktrace.output.terminal.colour import paint
from ktrace.output.views.histogram import COLOURS as BARS
from ktrace.output.views.histogram import histogram_text
from ktrace.output.views.list import COLOURS as LIST
from ktrace.output.views.list import listing_text
from ktrace.output.views.top import TopTable
from tests.unit.cli.test_pager import on_terminal
from tests.unit.output.views.test_list import LISTING

FOLDER = Path(__file__).parent / "screens"
SIZES = {"80x24": (80, 24), "120x40": (120, 40), "none": (None, None)}

COUNTS = Tally(
    ("function",),
    tuple(Row((f"vfs_function_{n:02}",), 4000 - 97 * n) for n in range(30)),
)
SLOW = Tally(("count",), tuple(Row((Range((1 << n) + 1, 2 << n),), 900 >> n) for n in range(8)))
FACTS = Report(
    (
        Fact("arch", "ok", "6.12.30-amd64 x86_64"),
        Fact(
            "user",
            "warn",
            "user id 1000, with none of the capabilities that help",
            "sudo ktrace doctor sees more",
        ),
        Fact("tracefs", "bad", "/sys/kernel/tracing: permission denied", "run it as root (sudo ktrace ...)"),
        Fact("lockdown", "unknown", "cannot be read"),
    ),
    {},
)


def top(*keys: str) -> Callable[[int | None, int | None], str]:
    def show(columns: int | None, rows: int | None) -> str:
        table = TopTable("vfs_*")
        table.take(COUNTS, 1.0)
        table.lines(columns or 80, rows or 24)
        for key in keys:
            table.press(key)
        lines, marked = table.lines(columns or 80, rows or 24)
        return "\n".join(f"\x1b[7m{line}\x1b[0m" if n == marked else line for n, line in enumerate(lines))

    return show


def painted(text: str, rules: object, columns: int | None) -> str:
    return text if columns is None else paint(text, rules)  # type: ignore[arg-type]


def error(columns: int | None, _rows: int | None) -> str:
    line = "p:ktrace/do_sys_openat2 do_sys_openat2 dfd=%di:s32 filename=+0(%si):ustring how=%foo:u64 and=%dx"
    told = Diagnostic(
        "ktrace/do_sys_openat2 was refused by the kernel, which says that a register has no such name: "
        "Invalid register name",
        line,
        line.index("%foo"),
        "registers here: ax bx cx dx si di bp sp r8 r9 r10 r11 r12 r13 r14 r15 flags ip cs ss",
    )
    return render(told, columns)


SCREENS: dict[str, Callable[[int | None, int | None], str]] = {
    "top": top(),
    "top-row-25": top(*["down"] * 24),
    "top-help": top("?"),
    "top-filter": top("/", "_", "1"),
    "list": lambda columns, _: painted(listing_text(LISTING, columns), LIST, columns),
    "hist": lambda columns, _: painted(histogram_text(SLOW), BARS, columns),
    "doctor": lambda columns, _: painted(to_text(FACTS), DOCTOR, columns),
    "error": error,
}


PAIRS = [(name, size) for name in SCREENS for size in SIZES if size != "none" or not name.startswith("top")]


@pytest.mark.parametrize(("name", "size"), PAIRS)
def test_a_screen(name: str, size: str) -> None:
    check(f"{name}.{size}", SCREENS[name](*SIZES[size]))


@pytest.mark.parametrize("words", ["graph --help", "top --help", "hlep", "run -p 9", "version --help"])
@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_a_screen_of_a_command(words: str, size: str) -> None:
    columns, rows = SIZES[size]
    assert columns is not None and rows is not None
    shown, _ = on_terminal(*words.split(), columns=columns, rows=rows, PAGER="cat")
    check(f"{words.replace(' ', '_')}.{size}", shown)


def test_no_screen_is_left_over() -> None:
    names = {f"{name}.{size}.txt" for name, size in PAIRS}
    commands = ("graph_--help", "top_--help", "hlep", "run_-p_9", "version_--help")
    names |= {f"{name}.{size}.txt" for name in commands for size in ("80x24", "120x40")}
    assert {path.name for path in FOLDER.iterdir()} == names


def check(name: str, shown: str) -> None:
    path = FOLDER / f"{name}.txt"
    visible = shown.replace("\x1b", "<ESC>").rstrip("\n") + "\n"
    if os.environ.get("KTRACE_WRITE_SCREENS"):
        path.write_text(visible, "utf-8")
    assert visible == path.read_text("utf-8")
