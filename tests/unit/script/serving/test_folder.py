"""The folder of `--procfs`: whose it must be, and what is left of it. Mounting needs root and FUSE."""

import os
import selectors
import subprocess
import sys
from pathlib import Path

import pytest

from ktrace.errors import Unavailable, UsageError
from ktrace.host.local import LocalHost
from ktrace.script.serving.folder import Folder, clear, dead_mounts
from ktrace.script.serving.offer import Offer
from tests.unit.unable import unable

OFFERS = {
    "f": Offer("f", 0o400, read=lambda: b"text\n"),
    "d/w": Offer("d/w", 0o600, read=lambda: b"", write=lambda data: min(len(data), 4)),
}


def folder(path: Path, poller: selectors.BaseSelector) -> Folder:
    return Folder(str(path), OFFERS, poller, 0)


def run(path: Path, *command: str) -> str:
    """Run a command while the folder is served, and return what it printed."""
    with selectors.EpollSelector() as poller:
        try:
            serving = folder(path, poller).__enter__()
        except Unavailable as error:
            unable(str(error))
        try:
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            ) as child:
                while child.poll() is None:
                    for key, _ in poller.select(0.05):
                        key.data(key.fd)
                assert child.stdout is not None
                return child.stdout.read()
        finally:
            serving.__exit__()


def test_files_are_read_and_written_and_nothing_is_left(tmp_path: Path) -> None:
    at = tmp_path / "new"
    assert run(at, "sh", "-c", f"cat {at}/f; echo abcdefgh > {at}/d/w && ls {at} {at}/d") == (
        f"text\n{at}:\nd\nf\n\n{at}/d:\nw\n"
    )
    assert not at.exists()


def test_a_folder_that_was_there_stays_and_is_empty_again(tmp_path: Path) -> None:
    assert run(tmp_path, "cat", f"{tmp_path}/f") == "text\n"
    assert tmp_path.is_dir() and not list(tmp_path.iterdir())


def test_nobody_changes_the_tree(tmp_path: Path) -> None:
    at = tmp_path / "new"
    said = run(at, "sh", "-c", f"rm {at}/f; mkdir {at}/x; echo > {at}/y; chmod 777 {at}/f; ln -s a {at}/b")
    assert said.count("not permitted") == 5, said


@pytest.mark.parametrize("kind", ["link", "file", "full", "writable", "missing"])
def test_other_folders_are_refused(kind: str, tmp_path: Path) -> None:
    at = tmp_path / "at"
    (tmp_path / "real").mkdir()
    if kind == "link":
        at.symlink_to(tmp_path / "real")
    elif kind == "file":
        at.write_text("")
    elif kind == "full":
        at.mkdir()
        (at / "x").write_text("")
    elif kind == "writable":
        at.mkdir()
        at.chmod(0o777)
    else:
        at = tmp_path / "none" / "at"
    reason = {"link": "a link or a file", "file": "a link or a file", "full": "not empty"}
    reason |= {"writable": "other users can write it", "missing": "No such file"}
    with selectors.EpollSelector() as poller, pytest.raises(Exception, match=reason[kind]) as error:
        folder(at, poller).__enter__()
    assert str(error.value).startswith("--procfs ")
    assert not list((tmp_path / "real").iterdir())


def test_another_users_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with selectors.EpollSelector() as poller, pytest.raises(UsageError, match="belongs to another user"):
        folder(tmp_path, poller).__enter__()


KILLED = """
import os, selectors, signal, sys
from pathlib import Path
from tests.unit.script.serving.test_folder import folder
folder(Path(sys.argv[1]), selectors.EpollSelector()).__enter__()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_mount_of_a_killed_run_answers_at_once_and_is_removed_by_the_next(tmp_path: Path) -> None:
    at = tmp_path / "new"
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(at)], stderr=subprocess.PIPE, text=True, check=False
    )
    if "Unavailable" in child.stderr:
        unable(child.stderr.splitlines()[-1])
    with pytest.raises(OSError, match="not connected"):
        list(at.iterdir())
    assert str(at) in dead_mounts(LocalHost())
    assert run(at, "cat", f"{at}/f") == "text\n"
    clear(str(at))
    assert not list(at.iterdir()) and str(at) not in dead_mounts(LocalHost())
