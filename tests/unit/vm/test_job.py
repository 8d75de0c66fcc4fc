import os
import subprocess

import pytest

from ktrace.errors import UsageError
from ktrace.vm import job

END = b"\xffend\n"
NASTY = ("printf", "%s|", "a  b", "it's", "$HOME", "`x`", "new\nline", "", "-n", "\udcff")


def files(**changes) -> dict[str, bytes]:
    made = job.Job(**{"argv": ("true",), "env": {}, "cwd": "/", "end": END} | changes)
    return {entry.path: entry.data for entry in made.entries()}


def shell(script: bytes, tmp_path, tail: str) -> bytes:
    (tmp_path / "command").write_bytes(script)
    done = subprocess.run(["sh", "-c", f". {tmp_path}/command; {tail}"], capture_output=True, check=True)
    return done.stdout


def test_words_reach_the_guest_byte_for_byte(tmp_path):
    out = shell(files(argv=NASTY)["job/command"], tmp_path, '"$@"')
    assert out == b"".join(os.fsencode(word) + b"|" for word in NASTY[2:])


def test_environment_and_folder(tmp_path):
    env = {"KTRACE_X": 'a\'b\n"c" $d'}
    folder = tmp_path / "it's here"
    folder.mkdir()
    command = files(env=env, cwd=str(folder))["job/command"]
    assert shell(command, tmp_path, 'printf %s "$KTRACE_X"; pwd') == f'a\'b\n"c" $d{folder}\n'.encode()


def test_a_folder_that_the_guest_does_not_see(tmp_path):
    assert shell(files(cwd="/no/such/folder")["job/command"], tmp_path, "pwd") == b"/\n"


def test_settings(tmp_path):
    settings = files(tty=True, rows=40, columns=99, share="/a b", modules="/m")["job/settings"]
    out = shell(settings, tmp_path, 'echo "$tty,$one_output,$rows,$columns,$share,$modules"')
    assert out == b"1,0,40,99,/a b,/m\n"


def test_lists_and_end_mark():
    found = files(expose=("/tmp/a", "/tmp/b c"))
    assert found["job/expose"] == b"/tmp/a\n/tmp/b c\n"
    assert found["job/end"] == END


@pytest.mark.parametrize("name", ["HOME", "LC_ALL", "PYTHONPATH", "KTRACE_DEBUG", "VIRTUAL_ENV", "TERM"])
def test_what_goes_in(name):
    assert job.environment({name: "x", "PATH": "/bin"}, "/bin")[name] == "x"


@pytest.mark.parametrize("name", ["LD_PRELOAD", "SSH_AUTH_SOCK", "BASH_FUNC_x%%", "XPATH", "PATHX"])
def test_what_stays_out(name):
    assert name not in job.environment({name: "x"}, "/bin")


def test_ktrace_is_found_last():
    assert job.environment({"PATH": "/a:/b"}, "/venv/bin")["PATH"] == "/a:/b:/venv/bin"
    assert job.environment({"PATH": "/venv/bin:/b"}, "/venv/bin")["PATH"] == "/venv/bin:/b"


def test_python_does_not_try_to_write():
    assert job.environment({}, "/bin")["PYTHONDONTWRITEBYTECODE"] == "1"


def test_hidden():
    asked = ["/tmp/a", "/home/me", "/tmp", "/run/x", "/tmp/a", "/tmpfoo", "/var/tmp/y"]
    assert job.hidden(asked) == ("/tmp/a", "/run/x", "/var/tmp/y")


def test_share_by_its_real_name(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert job.shared_directory(str(tmp_path / "link")) == str(tmp_path / "real")


@pytest.mark.parametrize("path", ["/", "/dev/null", "/no/such"])
def test_what_cannot_be_shared(path):
    with pytest.raises(UsageError, match="--share"):
        job.shared_directory(path)
