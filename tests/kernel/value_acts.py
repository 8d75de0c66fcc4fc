"""Make happen what tests of values look for. A separate program, which starts faster without pytest."""

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path


def loopback() -> None:
    os.system("ip link set lo up")


def act() -> None:
    """Do what the probes of test_values.py must see."""
    loopback()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            print(f"port {port}", flush=True)
            client.sendall(b"x")
    with suppress(OSError):
        os.open("/of-the-test/missing", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC)
    folder = Path("/tmp/of-the-test")
    folder.mkdir(0o750)
    folder.rmdir()
    signal.signal(signal.SIGURG, lambda *_: None)
    os.kill(os.getpid(), signal.SIGURG)
    with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as six:
        six.connect(("::1", 9))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"x" * 77, ("127.0.0.1", 53))


if __name__ == "__main__":
    act()
