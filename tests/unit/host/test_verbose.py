import signal
import subprocess
from pathlib import Path

import pytest

from ktrace.host.verbose import VerboseHost


def test_each_change_is_told_as_shell(tmp_path: Path) -> None:
    lines: list[str] = []
    host = VerboseHost(lines.append)
    folder, file = f"{tmp_path}/a b", f"{tmp_path}/events"
    Path(file).write_text("old\n")
    host.mkdir(folder)
    host.append(file, b"p:x/y z a='1' \x1b[2J\n")
    assert host.read_bytes(file).endswith(b"[2J\n")
    host.clear(file)
    host.rmdir(folder)
    assert host.start(["true", "a b"]).wait() == 0
    assert [line.partition("  #")[0] for line in lines] == [
        f"mkdir '{folder}'",
        f"""echo 'p:x/y z a='"'"'1'"'"' \\x1b[2J' >> {file}""",
        f": > {file}",
        f"rmdir '{folder}'",
        "true 'a b'",
    ]


def test_a_refusal_is_told_with_its_reason(tmp_path: Path) -> None:
    lines: list[str] = []
    host = VerboseHost(lines.append)
    with pytest.raises(FileNotFoundError):
        host.append(f"{tmp_path}/none", b"1\n")
    with subprocess.Popen(["sleep", "100"]) as sleeper:
        host.kill(sleeper.pid, signal.SIGKILL)
    assert lines[0] == f"echo 1 >> {tmp_path}/none  # No such file or directory"
    assert lines[1].startswith(f"kill -9 {sleeper.pid}")


def test_reads_are_told_only_on_request(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    path = f"{tmp_path}/file"
    for reads in (False, True):
        lines: list[str] = []
        host = VerboseHost(lines.append, reads=reads)
        assert host.read_bytes(path) == b"content" and bytes(host.content(path)) == b"content"
        assert [line.partition("  #")[0] for line in lines] == [f"cat {path}"] * 2 * reads
        assert all(line.endswith(" ms") for line in lines)
