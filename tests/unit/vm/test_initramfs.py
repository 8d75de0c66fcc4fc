import re
import subprocess
from importlib import resources

import pytest

from ktrace.errors import VmError
from ktrace.vm import initramfs
from ktrace.vm.job import Job
from ktrace.vm.modules import Module

JOB = Job(argv=("true",), env={}, cwd="/", end=b"end")
INIT = resources.files("ktrace.vm").joinpath("init.sh")


def test_everything_is_in_it_and_modules_keep_their_order(tmp_path):
    (tmp_path / "busybox").write_bytes(b"BUSYBOX")
    loaded = [Module("virtio", b"FIRST"), Module("fuse", b"SECOND")]
    archive = initramfs.build(tmp_path / "busybox", loaded, JOB)
    names = re.findall(rb"(?<=\0)?(modules/[0-9a-z.-]+|job/[a-z]+|bin/busybox|init)\0", archive)
    assert b"modules/000-virtio.ko" in names
    assert b"modules/001-fuse.ko" in names
    assert {b"job/settings", b"job/command", b"job/end", b"bin/busybox", b"init"} <= set(names)
    assert b"BUSYBOX" in archive
    assert archive.index(b"FIRST") < archive.index(b"SECOND")
    assert INIT.read_bytes() in archive


def test_no_busybox(tmp_path):
    with pytest.raises(VmError, match="No such file"):
        initramfs.build(tmp_path / "busybox", [], JOB)


def test_init_is_a_shell_script():
    with resources.as_file(INIT) as path:
        subprocess.run(["sh", "-n", str(path)], check=True)


def test_every_program_that_init_runs_is_linked_to_busybox():
    # In the guest there is nothing else: a name that is missing here fails only there.
    shell = {
        "case",
        "cd",
        "continue",
        "do",
        "done",
        "echo",
        "elif",
        "else",
        "esac",
        "exec",
        "exit",
        "export",
        "fi",
        "for",
        "if",
        "kill",
        "read",
        "return",
        "set",
        "shift",
        "then",
        "trap",
        "unset",
        "until",
        "wait",
        "while",
    }
    text = INIT.read_text()
    functions = set(re.findall(r"^(\w+)\(\) \{", text, re.MULTILINE))
    used = set()
    for line in text.splitlines():
        code = re.sub(r"(^|\s)#.*", "", line)
        code = re.sub(r"^\s*[\w*|]+\)", "", code)  # the pattern of a case
        used |= set(
            re.findall(
                r"(?:^\s*|[;&|{]\s|\$\(|\b(?:do|then|until|while|if|exec)\s)([a-z_]\w*)(?=\s|$|\))", code
            )
        )
    programs = used - shell - functions
    assert programs <= set(initramfs.APPLETS)
    assert {"mount", "insmod", "mkfifo"} <= programs
