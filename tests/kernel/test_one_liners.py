"""Every command line of `ktrace examples`, run while a load makes happen what it asks for.

It takes some minutes where the processor is emulated, so `make test-all` runs it.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ktrace.cli.one_liners import ONE_LINERS, OneLiner

pytestmark = pytest.mark.skipif(
    os.environ.get("KTRACE_ORACLE") != "whole", reason="takes minutes: make test-all runs it"
)

_LOAD = r"""
import os, signal, socket, subprocess, sys, time
signal.signal(signal.SIGURG, lambda *_: None)
while True:
    subprocess.run(["/bin/true"])
    with open("/tmp/of-the-load", "wb") as file:
        file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())
    open("/tmp/of-the-load", "rb").read()
    os.unlink("/tmp/of-the-load")
    try:
        os.open("/nowhere", os.O_RDONLY)
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGURG)
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    client.close(), server.close()
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x" * 100, ("127.0.0.1", 53))
    time.sleep(0.02)
"""

# What answers nothing here, and why.
ELSEWHERE = {
    "ktrace top": "needs a terminal: tests/kernel/test_top.py",
    "ktrace vm": "boots a guest, in which this already runs",
    "ktrace count 'ext4:": "the module is not loaded in every guest",
    "block:": "the guest has no disk that the load writes to",
    "ktrace trace 'syscalls:sys_enter_*'": "takes minutes to enable all of them under emulation",
}
NO_EVENTS = ("ktrace add", "ktrace vars", "ktrace type", "ktrace report", "ktrace sql", "ktrace record")


@pytest.fixture(scope="module")
def load() -> Iterator[None]:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=False)
    process = subprocess.Popen([sys.executable, "-c", _LOAD])
    yield
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the recording of one line is there for the next ones."""
    return tmp_path_factory.mktemp("lines")


@pytest.mark.parametrize("one", ONE_LINERS, ids=lambda one: one.command[:50])
def test_it_answers(
    one: OneLiner, ktrace: Callable, load: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why := next((why for part, why in ELSEWHERE.items() if part in one.command), None):
        pytest.skip(why)
    monkeypatch.chdir(folder)
    program, *words = shlex.split(re.sub(r"10s\b", "1s", one.command))
    assert program == "ktrace"
    if words[0] == "trace" and "-d" not in words and "--" not in words:
        words += ["-d", "1s"]
    try:
        done = ktrace(*words, status=None)
    finally:
        if words[0] == "add":
            ktrace("remove", words[1])
    if words[0] == "graph" and "--top-buffer" in done.err:
        pytest.skip("this kernel's instances have no function_graph tracer")
    if "no field 'reason'" in done.err:
        pytest.skip("before Linux 5.17 the event does not say why")
    assert done.status == 0, done.err
    if one.command.startswith(NO_EVENTS):
        assert done.out or any(folder.iterdir())
    else:
        assert " 0 events" not in done.err and (done.out or any(folder.glob("*.svg")))
