"""The events to count: one event for all functions of a wildcard, or points of kprobes."""

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from ktrace.counting.counted_events import CountedEvent, Search, make_events
from ktrace.errors import UsageError
from ktrace.resolve.spec import ProbeOptions
from ktrace.session.run_context import RunContext
from ktrace.session.session import Session
from ktrace.tracefs.files import Files
from tests.unit.session.places import NEW_README, OLD_README, BuiltKernel
from tests.unit.tracefs.scripted import Scripted

FORMAT = (
    "name: calls\nID: 1\nformat:\n\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
    "\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n\n"
    'print fmt: "(%lx)", REC->__probe_ip\n'
)


class Never:
    """No signal comes."""

    def check(self) -> None:
        pass


class Place:
    """A kernel of files, and a session in it."""

    def __init__(self, root: Path, readme: str, enabled: str, matched: str | None) -> None:
        self.kernel = BuiltKernel(root, readme)
        self.files = Scripted(root / "tracing", {"dynamic_events": "", "kprobe_events": ""})
        self.session = Session(self.files, self.files)
        self.event = f"{self.session.name}/calls"
        self.files.put("enabled_functions", enabled)
        self._matched = matched
        self.files.after = self._made
        self.notes: list[str] = []

    def _made(self, path: str, text: str) -> None:
        """Return what the kernel lists for a definition."""
        if path.endswith("_events"):
            top, instance = f"events/{self.event}", f"instances/{self.session.name}/events/{self.event}"
            if text.startswith("-:"):
                shutil.rmtree(Path(self.files.root, top))
            else:
                self.files.put(f"{top}/format", FORMAT)
                self.files.put(f"{instance}/enable", "")

    def match(self, _files: Files, pattern: str) -> list[str]:
        """Return the functions to which the kernel attaches a wildcard."""
        if self._matched is None:
            raise OSError(errno.ENOENT, "no such file")
        return [line.partition(" ")[0] for line in self._matched.splitlines()] if pattern == "vfs_*" else []

    def counted_events(self, place: str, *own: str, wide: bool = True, **options: Any) -> list[CountedEvent]:
        defaults = ProbeOptions(self.session.name, machine="x86_64", **options)
        search = Search(defaults, wide=wide)
        self.session.kernel = self.kernel
        stop: Any = Never()
        context = RunContext(self.session, stop, self.notes.append)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ktrace.counting.wildcard_fprobe.match_functions", self.match)
            return make_events(context, search, place, own)

    @property
    def defined(self) -> list[str]:
        return [text for path, text in self.files.done if path.endswith("_events")]


BOTH = "vfs_read (1)\nvfs_write (1)\nvfs_secret (1)\n"
MATCHED = "vfs_read\nvfs_write\n"


def test_one_fprobe_for_all_that_are_meant(tmp_path: Path) -> None:
    here = Place(tmp_path, NEW_README, BOTH, "vfs_read\nvfs_secret\nvfs_write\nvfs_secret [mod]\n")
    (counted,) = here.counted_events("vfs_*")
    assert here.defined == [f"f:{here.event} vfs_*"]
    assert counted.event == f"{here.event}" and counted.label is None and not counted.has_profile
    assert counted.points == ("vfs_read", "vfs_write") and counted.functions == {"vfs_read", "vfs_write"}
    assert here.session.events == [counted.event]
    assert here.notes == [
        "'vfs_*' matches 4 functions: 2 are probed; "
        "left out: 2 several functions of one name (--all takes them)"
    ]


def test_all_of_a_name(tmp_path: Path) -> None:
    here = Place(tmp_path, NEW_README, BOTH, "vfs_read\nvfs_secret\nvfs_write\nvfs_secret [mod]\n")
    (counted,) = here.counted_events("vfs_*", every=True)
    assert counted.functions == {"vfs_read", "vfs_write", "vfs_secret"} and not here.notes


def test_more_than_are_allowed(tmp_path: Path) -> None:
    here = Place(tmp_path, NEW_README, BOTH, MATCHED)
    with pytest.raises(
        UsageError, match="'vfs_\\*' matches 2 functions that can be probed, more than the 1 "
    ):
        here.counted_events("vfs_*", max_probes=1)
    assert not here.defined


@pytest.mark.parametrize(
    ("readme", "enabled", "matched", "wide", "own", "at_return"),
    [
        (OLD_README, BOTH, MATCHED, True, (), False),
        (NEW_README, "vfs_read (1)\n", MATCHED, True, (), False),
        (NEW_README, BOTH, None, True, (), False),
        (NEW_README, BOTH, "", True, (), False),
        (NEW_README, BOTH, "vfs_read\n", True, (), False),
        (NEW_README, BOTH, MATCHED, False, (), False),
        (NEW_README, BOTH, MATCHED, True, ("n=%dx",), False),
        (NEW_README, BOTH, MATCHED, True, (), True),
    ],
)
def test_else_kprobes(
    tmp_path: Path,
    readme: str,
    enabled: str,
    matched: str | None,
    wide: bool,
    own: tuple[str, ...],
    at_return: bool,
) -> None:
    here = Place(tmp_path, readme, enabled, matched)
    (counted,) = here.counted_events("vfs_*", *own, wide=wide, at_return=at_return)
    kprobes = [line for line in here.defined if line[0] in "pr"]
    behind = "".join(f" {arg}" for arg in own)
    kind = "r" if at_return else "p"
    assert kprobes == [
        f"{kind}:{counted.event} vfs_read{behind}",
        f"{kind}:{counted.event} vfs_write{behind}",
    ]
    assert counted.functions is None and counted.has_profile and counted.points == ("vfs_read", "vfs_write")
    assert here.notes == [note for note in here.notes if "left out" in note] and len(here.notes) == 1
    fprobes = [line for line in here.defined if line.startswith("f:")]
    assert len(fprobes) == sum(line.startswith("-:") for line in here.defined)
