import os
import struct

import pytest

from ktrace.errors import Unavailable
from ktrace.host.local import LocalHost
from ktrace.vm import programs


def elf(*segments: int) -> bytes:
    """A 64-bit ELF header and one program header for each segment type."""
    header = bytearray(64)
    header[:5] = b"\x7fELF\x02"
    struct.pack_into("<Q", header, 32, 64)
    struct.pack_into("<HH", header, 54, 56, len(segments))
    return bytes(header) + b"".join(struct.pack("<I", kind) + bytes(52) for kind in segments)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("qemu-system-x86_64", "virtiofsd"):
        (tools / name).write_text("#!/bin/sh\necho the options of $0\n")
        (tools / name).chmod(0o755)
    (tools / "busybox").write_bytes(elf(1, 1))
    (tools / "busybox").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(LocalHost, "uname", lambda host: uname("x86_64"))
    return tools


def uname(machine):
    return os.uname_result(("Linux", "host", "6.12", "#1", machine))


def find(machine):
    return programs.find(LocalHost(), (str(machine / "none"), str(machine / "virtiofsd")))


def test_all_there(machine):
    found = find(machine)
    assert found.qemu == str(machine / "qemu-system-x86_64")
    assert found.virtiofsd == str(machine / "virtiofsd")
    assert found.virtiofsd_options.startswith("the options of")


def test_not_root_is_said_before_anything_else(machine, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(machine / "none"))
    with pytest.raises(Unavailable, match="must be run as root") as caught:
        find(machine)
    assert "sudo" in (caught.value.hint or "")


def test_another_processor(machine, monkeypatch):
    monkeypatch.setattr(LocalHost, "uname", lambda host: uname("aarch64"))
    with pytest.raises(Unavailable, match="aarch64"):
        find(machine)


def test_what_is_missing_is_named_with_its_package(machine, monkeypatch):
    monkeypatch.setenv("PATH", str(machine / "none"))
    (machine / "virtiofsd").unlink()
    with pytest.raises(Unavailable, match="not installed: qemu-system-x86_64, busybox, virtiofsd") as caught:
        find(machine)
    assert "qemu-system-x86 busybox-static" in (caught.value.hint or "")


@pytest.mark.parametrize("content", [elf(1, 3), b"#!/bin/sh\n" + bytes(100), b""])
def test_a_busybox_that_cannot_run_alone(machine, content):
    (machine / "busybox").write_bytes(content)
    with pytest.raises(Unavailable, match="shared libraries") as caught:
        find(machine)
    assert "busybox-static" in (caught.value.hint or "")
