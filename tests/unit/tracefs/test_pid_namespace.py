"""Find the process that an id means on the machine: a directory stands in for its /proc."""

import os
from pathlib import Path

import pytest

from ktrace.errors import NotFound, Unavailable, UsageError
from ktrace.host.local import LocalHost
from ktrace.tracefs import pid_namespace
from ktrace.tracefs.files import Files
from ktrace.tracefs.pid_namespace import FIRST, machine_id, threads, writer_of_marker
from tests.unit.tracefs.scripted import Scripted

INNER = "pid:[4026532161]"
OTHER = "pid:[4026532999]"


class Proc:
    """A /proc: processes with their ids, their namespace and their parent."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = Files(LocalHost(), str(root))
        root.mkdir()

    def add(self, name: str | int, ids: list[int], space: str = INNER, parent: int = 1) -> None:
        folder = self.root / str(name)
        (folder / "ns").mkdir(parents=True)
        (folder / "task" / str(ids[0])).mkdir(parents=True)
        (folder / "ns/pid").symlink_to(space)
        (folder / "status").write_text(
            f"Name:\tx\nPPid:\t{parent}\nNSpid:\t" + "\t".join(map(str, ids)) + "\n"
        )


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proc:
    """The machine's: ktrace is 500 there and 7 here; so is a stranger of another namespace."""
    proc = Proc(tmp_path / "host")
    proc.add(1, [1], FIRST, 0)
    proc.add("self", [500, 7])
    proc.add(500, [500, 7], parent=490)
    proc.add(490, [490, 1])
    proc.add(510, [510, 9], parent=500)
    proc.add(511, [511, 10], parent=510)
    proc.add(600, [600, 9], OTHER)
    proc.add(700, [700, 12, 1], OTHER, parent=510)  # a namespace within this one
    monkeypatch.setattr(pid_namespace, "machine_proc", lambda host: proc.files)
    return proc


@pytest.fixture
def here(tmp_path: Path) -> Files:
    """The namespace's own."""
    proc = Proc(tmp_path / "here")
    proc.add("self", [7])
    (proc.root / "self/tell").write_text("not the same folder")
    return proc.files


def test_on_the_machine_itself_ids_are_what_they_are(tmp_path: Path) -> None:
    proc = Proc(tmp_path / "proc")
    proc.add("self", [7], FIRST)
    assert machine_id(proc.files, 7, "-p 7") == 7


@pytest.mark.parametrize(("pid", "found"), [(9, 510), (7, 500), (12, 700)])
def test_an_id_of_the_namespace(host: Proc, here: Files, pid: int, found: int, monkeypatch) -> None:
    monkeypatch.setattr(pid_namespace, "_same_proc", lambda *_: False)
    assert machine_id(here, pid, f"-p {pid}") == found


def test_there_is_no_such_process(host: Proc, here: Files, monkeypatch) -> None:
    monkeypatch.setattr(pid_namespace, "_same_proc", lambda *_: False)
    with pytest.raises(NotFound):
        machine_id(here, 600, "-p 600")


def test_an_id_that_means_two_processes(host: Proc) -> None:
    assert machine_id(host.files, 600, "-p 600") == 600
    assert machine_id(host.files, 10, "-p 10") == 511
    host.add(9, [9], FIRST)
    with pytest.raises(UsageError, match="510 on the machine"):
        machine_id(host.files, 9, "-p 9")


def test_where_nothing_tells_it(here: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pid_namespace, "machine_proc", lambda host: None)
    with pytest.raises(Unavailable, match="pid namespace") as error:
        machine_id(here, 9, "-p 9")
    assert "-c CMD" in (error.value.hint or "")


def test_threads_of_a_process_and_of_what_it_started(host: Proc) -> None:
    assert threads(host.files, 510, children=False) == [510]
    assert threads(host.files, 510, children=True) == [510, 511, 700]
    with pytest.raises(NotFound):
        threads(host.files, 900, children=True)


@pytest.mark.parametrize("tgid", ["", " (    499)"])
def test_the_kernel_says_who_wrote_a_marker(tmp_path: Path, tgid: str) -> None:
    kept = {"tracing_on": "0\n", "trace_marker": "", "trace": "", "tracing_cpumask": "01\n"}
    files = Scripted(tmp_path, kept)
    (tmp_path / "per_cpu/cpu0").mkdir(parents=True)
    (tmp_path / "per_cpu/cpu9").mkdir()

    def write(path: str, text: str) -> None:
        name = f"  a-1 [0] : tracing_mark_write: {text}"
        line = f"{name}-500{tgid} [001] .....  8.381116: tracing_mark_write: {text}\n"
        files.put("trace", "# tracer: nop\n#\n" + line)
        assert path == "trace_marker"
        assert (tmp_path / "tracing_cpumask").read_text().split()[-1] == "201"

    assert writer_of_marker(files, write) == 500
    assert (tmp_path / "trace").read_text() == ""
    assert (tmp_path / "tracing_cpumask").read_text().split()[-1] == "01"
    with pytest.raises(Unavailable):
        writer_of_marker(files, lambda *_: None)


def test_own_threads_without_a_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pid_namespace, "in_namespace", lambda proc: False)
    assert os.getpid() in pid_namespace.own_threads(Scripted(tmp_path, {}))
