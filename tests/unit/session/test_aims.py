"""What is counted: one event for all functions of a wildcard, or points of kprobes."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from ktrace.session.aims import Aim, Search, make_aims
from ktrace.session.session import Session
from ktrace.session.words import Defaults
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

    def __init__(self, root: Path, readme: str, enabled: str) -> None:
        self.kernel = BuiltKernel(root, readme)
        self.files = Scripted(root / "tracing", {"dynamic_events": "", "kprobe_events": ""})
        self.session = Session(self.files, self.files)
        self.event = f"{self.session.name}/calls"
        self.files.put("enabled_functions", enabled)
        self.files.after = self._made
        self.notes: list[str] = []

    def _made(self, path: str, text: str) -> None:
        """What the kernel makes of a definition."""
        if path.endswith("_events"):
            top, instance = f"events/{self.event}", f"instances/{self.session.name}/events/{self.event}"
            if text.startswith("-:"):
                shutil.rmtree(Path(self.files.root, top))
            else:
                self.files.put(f"{top}/format", FORMAT)
                self.files.put(f"{instance}/enable", "")

    def aims(self, place: str, *own: str, wide: bool = True, at_return: bool = False) -> list[Aim]:
        defaults = Defaults(self.session.name, at_return=at_return, machine="x86_64")
        search = Search(self.kernel, defaults, wide=wide)
        stop: Any = Never()
        return make_aims(self.session, search, place, own, stop, self.notes.append)

    @property
    def defined(self) -> list[str]:
        return [text for path, text in self.files.done if path.endswith("_events")]


BOTH = "vfs_read (1)\nvfs_write (1)\nvfs_secret (1)\n"


def test_one_fprobe_for_all_that_are_meant(tmp_path: Path) -> None:
    here = Place(tmp_path, NEW_README, BOTH)
    (aim,) = here.aims("vfs_*")
    assert here.defined == [f"f:{here.event} vfs_*"]
    assert aim.event == f"{here.event}" and aim.label is None and not aim.has_profile
    assert aim.points == ("vfs_read", "vfs_write") and aim.meant == {"vfs_read", "vfs_write"}
    assert here.session.events == [aim.event]
    assert any("2 are probed; left out: 1 on the kprobe blacklist" in note for note in here.notes)


@pytest.mark.parametrize(
    ("readme", "enabled", "wide", "own", "at_return"),
    [
        (OLD_README, BOTH, True, (), False),
        (NEW_README, "vfs_read (1)\n", True, (), False),
        (NEW_README, BOTH, False, (), False),
        (NEW_README, BOTH, True, ("n=%dx",), False),
        (NEW_README, BOTH, True, (), True),
    ],
)
def test_else_kprobes(
    tmp_path: Path, readme: str, enabled: str, wide: bool, own: tuple[str, ...], at_return: bool
) -> None:
    here = Place(tmp_path, readme, enabled)
    (aim,) = here.aims("vfs_*", *own, wide=wide, at_return=at_return)
    kprobes = [line for line in here.defined if line[0] in "pr"]
    behind = "".join(f" {arg}" for arg in own)
    kind = "r" if at_return else "p"
    assert kprobes == [f"{kind}:{aim.event} vfs_read{behind}", f"{kind}:{aim.event} vfs_write{behind}"]
    assert aim.meant is None and aim.has_profile and aim.points == ("vfs_read", "vfs_write")
    assert here.notes == [note for note in here.notes if "left out" in note] and len(here.notes) == 1
    fprobes = [line for line in here.defined if line.startswith("f:")]
    assert len(fprobes) == sum(line.startswith("-:") for line in here.defined)
