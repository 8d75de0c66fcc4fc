import os
import socket
import tempfile
from pathlib import Path

import pytest

from ktrace.errors import VmError
from ktrace.vm.host_side import HostSide


def open_descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir() if path.exists()}


def test_a_wire_leads_to_the_far_descriptor():
    with HostSide() as host:
        near, far = host.wire()
        near.sendall(b"x")
        assert os.read(far, 10) == b"x"


def test_everything_is_closed_afterwards():
    before = open_descriptors()
    with HostSide() as host:
        host.wire()
        host.file(b"x")
        host.start(["true"])
    assert open_descriptors() == before


def test_a_file_can_be_opened_by_name():
    with HostSide() as host:
        content = os.urandom(3_000_000)
        descriptor = host.file(content)
        assert Path(f"/proc/self/fd/{descriptor}").read_bytes() == content


def test_a_near_end_sees_the_end_of_the_process():
    with HostSide() as host:
        near, far = host.wire()
        near.settimeout(20)
        host.start(["python3", "-c", f"import os; os.write({far}, b'hello')"])
        assert near.recv(100) == b"hello"
        assert near.recv(100) == b""


def test_a_killed_process_hangs_up():
    with HostSide() as host:
        near, _ = host.wire()
        near.settimeout(20)
        host.start(["sleep", "100"])
        host.kill()
        assert near.recv(100) == b""


def test_what_it_prints_is_there_to_read():
    with HostSide() as host:
        host.start(["sh", "-c", "echo complaint >&2"])
        assert os.read(host.messages, 100) == b"complaint\n"


def test_a_server_gets_a_socket_that_is_already_connected_to(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    serve = (
        "import socket, sys; s = socket.socket(fileno=int(sys.argv[1]));"
        "c, _ = s.accept(); c.sendall(b'served')"
    )
    with HostSide() as host:
        far = host.serve(lambda fd: ["python3", "-c", serve, str(fd)])
        with socket.socket(fileno=os.dup(far)) as client:
            client.settimeout(20)
            assert client.recv(100) == b"served"
        assert list(tmp_path.iterdir()) == []


def test_a_program_that_is_not_there():
    with HostSide() as host, pytest.raises(VmError, match=r"/no/such: cannot be started: No such file"):
        host.start(["/no/such"])
