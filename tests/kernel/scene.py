"""The scene that kernel tests trace: known files, sizes, ports and processes."""

import ctypes
import errno
import mmap
import os
import signal
import socket
from pathlib import Path

from tests.kernel.conftest import Running, is_armed

COMM = "ktexpr"
FOLDER, FILE, MADE = "ktfolder", "ktfile.txt", "ktmade"
SIZE, COUNT, POS = 70_123, 4_321, 7
PORT = 4_322
EXIT = 3
PAGES = 5

# What `scene` reports of itself: filled in before values are compared.
Seen = dict[str, int]


def scene(report: int) -> None:
    """Run the scene in a separate process called `ktexpr`; values that only it knows go to `known`."""
    libc = ctypes.CDLL(None, use_errno=True)
    folder = Path("/tmp") / FOLDER
    folder.mkdir(mode=0o755, exist_ok=True)
    path = folder / FILE
    path.write_bytes(bytes(SIZE))
    path.chmod(0o640)
    pages = mmap.mmap(-1, PAGES * mmap.PAGESIZE)
    page = ctypes.addressof(ctypes.c_char.from_buffer(pages)) + 2 * mmap.PAGESIZE
    buffer = ctypes.create_string_buffer(COUNT)
    connecting = socket.socket()
    connecting.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 50_000)
    signal.signal(signal.SIGURG, signal.SIG_IGN)
    libc.prctl(15, COMM.encode(), 0, 0, 0)  # PR_SET_NAME
    fd = os.open(path, os.O_RDONLY)
    os.lseek(fd, POS, os.SEEK_SET)
    assert libc.read(fd, buffer, COUNT) == COUNT
    ctypes.c_char.from_address(page).value = b"x"
    (folder / MADE).mkdir()
    (folder / MADE).rmdir()
    try:
        connecting.connect(("127.0.0.1", PORT))
        connected = 0
    except OSError as error:
        connected = -(error.errno or errno.EIO)
    os.kill(os.getpid(), signal.SIGURG)
    child = os.fork()
    if child == 0:
        os._exit(EXIT)
    os.waitpid(child, 0)
    facts = {"buffer": ctypes.addressof(buffer), "ino": path.stat().st_ino, "child": child,
             "self": os.getpid(), "connected": connected, "page": page, "fd": fd}  # fmt: skip
    os.write(report, repr(facts).encode())
    path.unlink()
    folder.rmdir()


def play(run: Running, tracing: Path) -> Seen:
    """Let the scene happen while `run` traces it, then end the run."""
    run.until(lambda: is_armed(tracing))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            scene(write)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with os.fdopen(read) as file:
        facts: Seen = eval(file.read(), {})
    run.settle()  # it has a second to end: what it has not written by then is lost on a busy machine
    run.signal(signal.SIGINT)
    return facts
