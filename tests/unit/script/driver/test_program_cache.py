"""Programs that are kept: each thing that they depend on, and what is not a program of this user's."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ktrace.host.folder import UNAME, FolderHost
from ktrace.script.driver import program_cache as cached
from ktrace.script.driver.program_cache import Kept, ProgramCache, program_cache
from ktrace.script.language.facts import Facts
from ktrace.script.language.sites import AtEvent, AtFunction, AtMoment, Input, Profile, Served, Site, Watch
from ktrace.script.language.source import SourceFile
from ktrace.script.passes.counted import Counted
from ktrace.script.passes.emitted import Emitted
from ktrace.script.passes.pushed import Pushed
from ktrace.script.passes.runnable import Handled, Runnable

BEGIN = AtMoment("begin")


@dataclass
class Machine:
    """A machine and a script, of which a test changes one thing."""

    root: Path
    text: str = 'probe kernel.trace("sched:*") {}'
    name: str = "t.stp"
    arguments: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    events: str = "sched:sched_switch\n"
    config: dict[str, str] = field(default_factory=dict)
    tapsets: tuple[SourceFile, ...] = ()
    uname: os.uname_result = UNAME

    def __post_init__(self) -> None:
        self.write("/sys/kernel/notes", "build 1")
        self.write("/proc/modules", "mod 16384 0 - Live 0x10\n")
        self.write("/proc/sys/kernel/random/boot_id", "boot 1\n")

    def write(self, path: str, text: str) -> None:
        file = Path(f"{self.root}{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def cache(self) -> ProgramCache:
        facts = Facts("6.12", "x86_64", self.config.get, self.arguments)
        host = FolderHost(self.root, uname=self.uname)
        sources = [SourceFile(self.name, self.text), *self.tapsets]
        made = program_cache(host, sources, facts, self.settings, self.limits, events=lambda: self.events)
        assert made is not None
        return made

    def keep(self, site: Site = BEGIN, asks: str | None = None) -> Kept:
        """Keep a program with a handler at a site, which asked for a CONFIG_ name."""
        cache = self.cache()
        facts = cache.facts(Facts(config=self.config.get))
        if asks:
            facts.config(asks)
        kept = kept_at(site)
        cache.save(kept, asked=not isinstance(site, AtMoment))
        return kept


def kept_at(site: Site) -> Kept:
    program = Runnable((Handled("s", site, "x", "x"),), (), Emitted("", {}), Pushed(), Counted())
    return Kept(program, {}, {} if isinstance(site, AtMoment) else {1: "sched/sched_switch"})


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Machine(tmp_path / "machine")


@pytest.mark.parametrize(
    "site", [AtMoment("begin"), AtEvent("sched", "*"), AtFunction("f"), AtFunction("f", absolute=1)]
)
def test_a_program_is_there_again_if_nothing_has_changed(machine: Machine, site: Site) -> None:
    assert machine.cache().load() is None
    kept = machine.keep(site)
    assert machine.cache().load() == kept
    assert len(list(machine.cache().folder.iterdir())) == 1


CHANGES: dict[str, Callable[[Machine], None]] = {
    "text": lambda m: setattr(m, "text", m.text + " "),
    "name": lambda m: setattr(m, "name", "u.stp"),
    "arguments": lambda m: setattr(m, "arguments", ("1",)),
    "-G": lambda m: setattr(m, "settings", {"x": "1"}),
    "-I": lambda m: setattr(m, "tapsets", (SourceFile("x/a.stp", "probe a.b = begin {}", tapset=True),)),
    "-D": lambda m: setattr(m, "limits", ("MAXACTION=1",)),
    "build": lambda m: m.write("/sys/kernel/notes", "build 2"),
    "release": lambda m: setattr(m, "uname", os.uname_result((*UNAME[:2], "9.9", *UNAME[3:]))),
    "machine": lambda m: setattr(m, "uname", os.uname_result((*UNAME[:4], "riscv64"))),
    "a module": lambda m: m.write("/proc/modules", "mod 16384 0 - Live 0x10\nnew 1 0 - Live 0x20\n"),
    "a module loaded again": lambda m: m.write("/proc/modules", "mod 16384 0 - Live 0x30\n"),
    "events": lambda m: setattr(m, "events", "sched:sched_switch\nsched:new\n"),
    "CONFIG_X": lambda m: setattr(m, "config", {"CONFIG_X": "y"}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_each_change_drops_it(machine: Machine, change: Callable[[Machine], None]) -> None:
    machine.keep(AtEvent("sched", "*"), asks="CONFIG_X")
    change(machine)
    assert machine.cache().load() is None


@pytest.mark.parametrize("change", ["_own_files", "__version__", "_FORMAT"])
def test_another_ktrace_drops_it(machine: Machine, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    machine.keep()
    new = (lambda: (1, 2, 3)) if change == "_own_files" else "other"
    monkeypatch.setattr(cached, change, new)
    assert machine.cache().load() is None


def test_any_file_of_ktrace_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tapset").mkdir()
    (tmp_path / "tapset" / "x.stp").write_text("a")
    monkeypatch.setattr(cached, "_HERE", tmp_path)
    before = cached._own_files()
    (tmp_path / "tapset" / "x.stp").write_text("ab")
    assert cached._own_files() != before
    before = cached._own_files()
    (tmp_path / "tapset" / "y.stp").touch()
    assert cached._own_files() != before


def test_what_a_program_does_not_use_may_change(machine: Machine) -> None:
    machine.text = "probe begin, timer.s(1) {}"
    kept = machine.keep()
    for change in ("a module", "events", "CONFIG_X"):
        CHANGES[change](machine)
    assert machine.cache().load() == kept


@pytest.mark.parametrize("where", ["text", "arguments", "tapset"])
@pytest.mark.parametrize("change", ["a module", "events"])
def test_an_optional_point_that_was_not_there_may_be_there_now(
    machine: Machine, where: str, change: str
) -> None:
    point = 'kernel.trace("mine:*")?'
    machine.text = f"probe {point}, begin {{}}" if where == "text" else "probe mine, begin {}"
    if where == "arguments":
        machine.text, machine.arguments = "probe $1, begin {}", (point,)
    if where == "tapset":
        machine.tapsets = (SourceFile("a.stp", f"probe mine = {point} {{}}", tapset=True),)
    machine.keep(BEGIN)
    assert machine.cache().load() is not None
    CHANGES[change](machine)
    assert machine.cache().load() is None


def test_events_of_other_runs_do_not_count(machine: Machine) -> None:
    kept = machine.keep(AtEvent("sched", "*"))
    machine.events += "ktrace_12_3456_78:vfs_read\np:ktrace_12_3456_78/vfs_read vfs_read\n"
    assert machine.cache().load() == kept


def test_an_address_holds_for_one_boot(machine: Machine) -> None:
    machine.keep(AtFunction("f"))
    machine.write("/proc/sys/kernel/random/boot_id", "boot 2\n")
    assert machine.cache().load() is not None
    machine.keep(AtFunction("f", absolute=1))
    machine.write("/proc/sys/kernel/random/boot_id", "boot 3\n")
    assert machine.cache().load() is None


def test_uses_of_a_module_do_not_count(machine: Machine) -> None:
    kept = machine.keep(AtEvent("sched", "*"))
    machine.write("/proc/modules", "mod 16384 3 other, Live 0x10\n")
    assert machine.cache().load() == kept


def test_what_changed_during_the_compilation_is_not_kept(machine: Machine) -> None:
    cache = machine.cache()
    cache.facts(Facts())
    machine.events += "sched:new\n"
    cache.save(kept_at(AtEvent("sched", "*")), asked=True)
    assert machine.cache().load() is None and not cache.folder.exists()


def test_events_that_cannot_be_read(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> str:
        raise PermissionError

    cache = replace(machine.cache(), events=refused)
    cache.facts(Facts())
    cache.save(kept_at(AtEvent("sched", "*")), asked=True)
    assert not cache.folder.exists()
    machine.keep(AtEvent("sched", "*"))
    assert replace(machine.cache(), events=refused).load() is None


@pytest.mark.parametrize("content", [b"", b"\0" * 3, b"garbage" * 100, b"\0" * (1 << 16)])
def test_garbage_is_no_program_and_no_error(machine: Machine, content: bytes) -> None:
    kept = machine.keep()
    machine.cache().path.write_bytes(content)
    assert machine.cache().load() is None
    machine.keep()
    assert machine.cache().load() == kept


def test_each_damaged_byte(machine: Machine) -> None:
    machine.keep()
    path = machine.cache().path
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert machine.cache().load() is None


def test_a_script_whose_file_has_the_same_name(machine: Machine) -> None:
    machine.keep()
    path = machine.cache().path
    machine.text = "probe end {}"
    path.rename(machine.cache().path)
    assert machine.cache().load() is None


def test_two_at_once(machine: Machine) -> None:
    kept = kept_at(AtMoment("begin"))
    wrong: list[object] = []

    def work() -> None:
        for _ in range(50):
            cache = machine.cache()
            cache.facts(Facts())
            cache.save(kept, asked=False)
            found = machine.cache().load()
            if found not in (None, kept):
                wrong.append(found)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("lacks", ["notes", "empty notes", "home"])
def test_without_a_build_or_a_home_nothing_is_kept(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    notes = Path(f"{machine.root}/sys/kernel/notes")
    if lacks == "notes":
        notes.unlink()
    elif lacks == "empty notes":
        notes.write_bytes(b"")
    else:
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.delenv("HOME", raising=False)
    with pytest.raises(AssertionError):
        machine.cache()


def test_a_changed_tapset_drops_it(machine: Machine) -> None:
    machine.tapsets = (SourceFile("a.stp", "function f() { return 1 }", tapset=True),)
    kept = machine.keep()
    assert machine.cache().load() == kept
    machine.tapsets = (SourceFile("a.stp", "function f() { return 2 }", tapset=True),)
    assert machine.cache().load() is None


def test_what_the_kernel_was_asked_without_a_probe_is_asked_in_each_run(machine: Machine) -> None:
    machine.text = 'probe begin { println(sizeof("struct file")) }'
    cache = machine.cache()
    cache.facts(Facts())
    cache.save(kept_at(BEGIN), asked=True)
    assert machine.cache().load() is None


@pytest.mark.parametrize("site", [Served("x", "read"), Input("line"), Profile(), Watch("jiffies")], ids=str)
def test_what_is_served_or_sampled_is_compiled_in_each_run(machine: Machine, site: Site) -> None:
    machine.keep(site)
    assert machine.cache().load() is None
