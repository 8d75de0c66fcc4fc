"""Whole screens, as a person sees them, at 80x24, at 120x40, and without a terminal.

    KTRACE_WRITE_SCREENS=1 pytest tests/unit/cli/test_screens.py      # writes those that have changed

Look at each of them before it is committed.
"""

import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pytest

from ktrace.cli.main import main
from ktrace.cli.registry import COMMANDS
from ktrace.diagnostic import Diagnostic, render
from ktrace.doctor.fact import Fact
from ktrace.doctor.report import Report
from ktrace.doctor.screen import COLOURS as DOCTOR
from ktrace.doctor.screen import to_text
from ktrace.model.calltree import Call, Gap, Tree
from ktrace.model.slow_call import Slow
from ktrace.model.tally import Range, Row, Tally
from ktrace.output.terminal.colour import paint
from ktrace.output.views.count import tally_text
from ktrace.output.views.graph import CallText
from ktrace.output.views.histogram import COLOURS as BARS
from ktrace.output.views.histogram import histogram_text
from ktrace.output.views.lines import lines_text
from ktrace.output.views.list import COLOURS as LIST
from ktrace.output.views.list import listing_text
from ktrace.output.views.show import event_text
from ktrace.output.views.slow_calls import slow_text
from ktrace.output.views.top import TopTable
from tests.unit.cli.test_pager import on_terminal
from tests.unit.output.views.test_lines import FOUND
from tests.unit.output.views.test_list import LISTING
from tests.unit.output.views.test_show import SHOWN
from tests.unit.unable import unable

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


SOURCE = ["x"] * 9 + ["int f()", "{", "\treturn 1;", "}"]
CALL = Slow(3_337_561_000, 1, 138, "sleep", 30_492_400, {"fd": 7, "$retval": -11}, ["vfs_read", "ksys_read"])


def graph(columns: int | None, _rows: int | None) -> str:
    inner = Call(3, 2, 8_754_321_900, 1, None)
    calls = [Call(2, 1, 8_754_321_800, 1, 1_234_567, None, [inner]), Gap(12), Call(2, 1, 9, 0, 15_999)]
    root = Call(1, 0, 8_754_321_777, 1, 2_000_001, None, calls)
    out = BytesIO()
    names = {1: "vfs_read", 2: "rw_verify_area", 3: "security_file_permission"}
    CallText(out, names.__getitem__, colour=columns is not None).tree(Tree(1234, "cat", root, 4))
    return out.getvalue().decode()


SCREENS: dict[str, Callable[[int | None, int | None], str]] = {
    "top": top(),
    "top-row-25": top(*["down"] * 24),
    "top-help": top("?"),
    "top-filter": top("/", "_", "1"),
    "list": lambda columns, _: painted(listing_text(LISTING, columns), LIST, columns),
    "hist": lambda columns, _: painted(histogram_text(SLOW), BARS, columns),
    "doctor": lambda columns, _: painted(to_text(FACTS), DOCTOR, columns),
    "error": error,
    "count": lambda columns, rows: painted(tally_text(COUNTS, width=columns, height=rows), BARS, columns),
    "show": lambda _columns, _rows: event_text(SHOWN),
    "graph": graph,
    "lines": lambda _columns, _rows: lines_text(FOUND, SOURCE, 10, 13),
    "latency-above": lambda _columns, _rows: slow_text(CALL),
}


PAIRS = [(name, size) for name in SCREENS for size in SIZES if size != "none" or not name.startswith("top")]


@pytest.mark.parametrize(("name", "size"), PAIRS)
def test_a_screen(name: str, size: str) -> None:
    check(f"{name}.{size}", SCREENS[name](*SIZES[size]))


TEXT = b"""\
            bash-1973    [000] d..2 1179.203781: sched_switch: prev_comm=bash prev_pid=1973 prev_prio=120 \
prev_state=R+ ==> next_comm=kworker/u8:2 next_pid=44 next_prio=120
              ls-1974    [001] ... 1179.204012: vfs_read: (vfs_read+0x4/0x2e0) count=832 path="/usr/lib/libc"
CPU:1 [LOST 12 EVENTS]
              ls-1974    [001] ... 1179.204399: vfs_read: (vfs_read+0x4/0x2e0) count=4096 path="/etc/fstab"
"""
QUERY = "select comm, count(*) n, sum(count) bytes from vfs_read group by comm"
WORDS = {
    **{f"{command.name}_--help": (command.name, "--help") for command in COMMANDS},
    **{
        "--help": ("--help",),
        "hlep": ("hlep",),
        "run_-p_9": ("run", "-p", "9"),
        "option": ("list", "--jsno"),
    },
    **{
        "add": ("add",),
        "count_-d": ("count", "vfs_read", "-d", "5 parsecs"),
        "examples": ("examples", "slow"),
    },
    **{"parse": ("parse", "TEXT"), "parse_--text": ("parse", "--text", "TEXT")},
    **{"report": ("report", "TEXT"), "report_--csv": ("report", "TEXT", "--csv", "-e", "vfs_read")},
    **{"report_-e": ("report", "TEXT", "-e", "vfs_raed")},
    **{"sql": ("sql", "TEXT", QUERY), "sql_error": ("sql", "TEXT", QUERY.replace("bytes from", "b form"))},
    **{"sql_column": ("sql", "TEXT", "select coutn from vfs_read")},
}
"""Command lines that need no kernel that can trace; TEXT is a trace as text."""

ON_TERMINAL = ("graph_--help", "top_--help", "version_--help")
"""Help is the same without a terminal, which is faster: these show that."""

PROGRESS = re.compile(r"(?:\rktrace: [^\x1b\n]*\x1b\[K)+\r\x1b\[K")
"""The line of progress that a slow machine shows before the first line, and removes."""

COMMAND_PAIRS = [
    (name, size)
    for name in WORDS
    for size in SIZES
    if size == "80x24" or not name.endswith("_--help")  # help has the same width in each window
]


@pytest.mark.parametrize(("name", "size"), COMMAND_PAIRS)
def test_a_screen_of_a_command(
    name: str, size: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trace.txt").write_bytes(TEXT)
    words = [str(tmp_path / "trace.txt") if word == "TEXT" else word for word in WORDS[name]]
    if words[0] == "sql" and find_spec("polars") is None:
        unable("Polars is not installed")
    columns, rows = SIZES[size]
    if columns is None or rows is None or (name.endswith("_--help") and name not in ON_TERMINAL):
        monkeypatch.setenv("COLUMNS", str(columns or ""))
        main(words)
        written = capfd.readouterr()
        shown = written.out + written.err
    else:
        shown, _ = on_terminal(*words, columns=columns, rows=rows, PAGER="cat")
        shown = PROGRESS.sub("", shown)
    check(f"{name}.{size}", shown.replace(str(tmp_path), "/tmp"))


def test_no_screen_is_left_over() -> None:
    names = {f"{name}.{size}.txt" for name, size in [*PAIRS, *COMMAND_PAIRS]}
    assert {path.name for path in FOLDER.iterdir()} == names


def check(name: str, shown: str) -> None:
    path = FOLDER / f"{name}.txt"
    visible = shown.replace("\x1b", "<ESC>").rstrip("\n") + "\n"
    if os.environ.get("KTRACE_WRITE_SCREENS"):
        path.write_text(visible, "utf-8")
    assert visible == path.read_text("utf-8")
