"""Scripts that are compiled, kept and taken from where they were kept."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ktrace.errors import KtraceError
from ktrace.host.folder import FolderHost
from ktrace.script.driver import prepared as module
from ktrace.script.driver.later_kernel import LaterKernel
from ktrace.script.driver.options import Options
from ktrace.script.driver.prepared import Prepared, prepared
from ktrace.script.language.facts import Facts
from ktrace.script.language.limits import Limits
from ktrace.script.language.source import SourceFile
from tests.unit.session.places import NEW_README, OLD_README, BuiltKernel

READS = 'probe kernel.function("vfs_read") { println($count, execname()) }'
COUNTS = """global n
probe kernel.function("vfs_read") { if ($count > 4) n[$count] <<< 1 }
probe end { print(@count(n[5])) }"""
EVENTS = 'probe kernel.trace("syscalls:sys_enter_openat") { println($flags) }'
RETURNS = 'probe kernel.function("vfs_read").return { println($return) }'
TASKS = 'probe kernel.function("vfs_read") { println(ppid(), cmdline_str(), symname($buf)) }'


class Runs:
    """Runs of one script after each other, on a kernel that the test writes."""

    def __init__(self, root: Path, readme: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kernel = BuiltKernel(root, readme)
        self.host = FolderHost(root / "machine")
        for name in ("sys/kernel/notes", "proc/modules"):
            (root / "machine" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "machine" / name).write_text("x 1 0 - Live 0x0\n")
        (root / "tracing/events/syscalls/sys_enter_openat/enable").write_text("0\n")
        self.number = 0
        monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        monkeypatch.setattr(module, "open_kernel", lambda _: (self.kernel, f"ktrace_{self.number}_7"))
        monkeypatch.setattr(module, "_events", lambda _: "events")

    def __call__(self, text: str, **options: object) -> Prepared:
        """Prepare the script of the next run, and keep it."""
        self.number += 1
        options = {"host": self.host, "facts": Facts("6.1", "x86_64"), **options}
        given = Options(**options)  # type: ignore[arg-type]
        opened = LaterKernel(given, lambda _: None)
        made = prepared(SourceFile("t.stp", text), given, Limits(), opened, opened)
        made.keep()
        assert made.probed.group == f"ktrace_{self.number}_7"
        return made

    def lines(self, made: Prepared) -> list[str]:
        """Return the lines that the run would define, and the names of the events that it would use."""
        keys = [f.key for b in made.program.bound for f in (*b.entries, *b.found)]
        wanted, events = made.probed.wanted, made.probed.events
        return [wanted[key].probe.to_line() if key in wanted else events[key] for key in keys]


@pytest.fixture(params=["old", "new"])
def runs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(tmp_path, OLD_README if request.param == "old" else NEW_README, monkeypatch)


@pytest.mark.parametrize("text", [READS, RETURNS, COUNTS, EVENTS, TASKS, "probe begin { exit() }"])
def test_the_second_run_is_the_same_program(runs: Runs, text: str) -> None:
    first, second = runs(text), runs(text)
    assert first.kept is None and second.kept is not None
    assert second.program.code is not None
    handlers = [repr(one).replace("ktrace_1_7", "ktrace_2_7") for one in first.program.bound]
    assert [repr(one) for one in second.program.bound] == handlers
    for name in ("variables", "emitted", "pushed", "counted", "notes", "warnings", "needs"):
        assert getattr(second.program, name) == getattr(first.program, name)
    ours = [line.replace("ktrace_1_7", "ktrace_2_7") for line in runs.lines(first)]
    assert runs.lines(second) == ours and first.probed.group != second.probed.group
    for bound in first.program.bound:
        for found in bound.found:
            system, _, _ = first.probed.event(found.key).partition("/")
            assert found.system in ("", system)
            assert second.probed.event(found.key) == first.probed.event(found.key).replace("_1_", "_2_")


def test_nothing_is_looked_up_again(runs: Runs) -> None:
    runs(READS)
    runs.kernel.read.clear()
    runs.lines(runs(READS))
    assert runs.kernel.read == []


def test_another_name_of_the_function_is_looked_up_again(runs: Runs) -> None:
    first, second = runs(READS), runs(READS)
    (fresh,), (spec,) = first.probed.wanted.values(), second.probed.wanted.values()
    assert fresh.relocate is not None and spec.relocate is not None
    runs.kernel.read.clear()
    expected = fresh.relocate(fresh.probe, "vfs_read").to_line()
    assert spec.relocate(spec.probe, "vfs_read").to_line() == expected.replace("ktrace_1_7", "ktrace_2_7")


@pytest.mark.parametrize(
    "options",
    [
        {"cache": False},
        {"vmlinux": Path("vmlinux")},
        {"source": "x.dat"},
        {"procfs": "x"},
        {"listen": "0"},
    ],
)
def test_these_are_compiled_in_each_run(runs: Runs, options: dict[str, object]) -> None:
    text = "probe begin {}"
    runs(text)
    assert runs(text, **options).kept is None
    assert runs(text).kept is not None


def test_an_option_that_nobody_checks_keeps_nothing(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHECKED", [name for name in module._CHECKED if name != "target"])
    runs(READS, target=5)
    assert runs(READS, target=5).kept is None
    assert all(name in Options.__dataclass_fields__ for name in module._CHECKED)


def test_what_the_kernel_doubts_is_told_in_each_run(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "replace", None)  # nothing is kept, so nothing is made for it
    given = Options(host=runs.host, facts=Facts("6.1", "x86_64"))
    later = LaterKernel(given, lambda _: None)
    real = later.real
    doubting = SimpleNamespace(real=real, doubts=["really?"], is_open=True)
    made = prepared(SourceFile("t.stp", EVENTS), given, Limits(), doubting, real)
    made.keep()
    assert not (Path(made._cache.folder)).exists()


def test_what_asked_for_debug_info_is_compiled_in_each_run(runs: Runs) -> None:
    runs.kernel.asked_debug_info = True
    runs(READS)
    assert runs(READS).kept is None


def test_a_mistake_is_found_in_each_run(runs: Runs) -> None:
    for _ in range(2):
        with pytest.raises(KtraceError, match="no_such"):
            runs('probe kernel.function("vfs_read") { println($no_such) }')


def test_a_tapset_of_the_user_is_a_part_of_the_program(runs: Runs, tmp_path: Path) -> None:
    tapset = tmp_path / "tapset" / "mine.stp"
    tapset.parent.mkdir()
    tapset.write_text('probe mine = kernel.function("vfs_read") { size = $count }')
    text, given = "probe mine { println(size) }", (str(tapset.parent),)
    assert runs(text, tapsets=given).kept is None
    assert runs(text, tapsets=given).kept is not None
    tapset.write_text('probe mine = kernel.function("vfs_read") { size = $count + 1 }')
    assert runs(text, tapsets=given).kept is None


def test_warnings_are_told_again(runs: Runs) -> None:
    text = "probe begin { println(nothing) }"
    first, second = runs(text), runs(text)
    assert second.kept is not None and second.program.warnings == first.program.warnings != ()


def test_each_argument_makes_a_program_of_its_own(runs: Runs) -> None:
    text = "probe begin { println(argv_1) }"
    assert runs(text, facts=Facts("6.1", "x86_64", arguments=["a"])).kept is None
    assert runs(text, facts=Facts("6.1", "x86_64", arguments=["b"])).kept is None
    assert runs(text, facts=Facts("6.1", "x86_64", arguments=["b"])).kept is not None
