"""Loading modules of the kernel that runs: this machine's, or the one that `ktrace vm` has unpacked."""

import ctypes
import lzma
import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_INIT_MODULE, _DELETE_MODULE = 175, 176  # x86-64

_libc = ctypes.CDLL(None, use_errno=True)


def module_file(name: str) -> Path | None:
    """The module's file; None where there is none that can be read."""
    release = os.uname().release
    home = Path(pwd.getpwuid(Path(__file__).stat().st_uid).pw_dir)
    for folder in (
        Path("/"),
        home / ".cache/ktrace/kernels" / release,
        Path.home() / ".cache/ktrace/kernels" / release,
    ):
        found = sorted((folder / "lib/modules" / release).glob(f"kernel/**/{name}.ko*"))
        if found and found[0].suffix in (".ko", ".xz"):
            return found[0]
    return None


def load_module(path: Path, parameters: str = "") -> None:
    content = path.read_bytes() if path.suffix == ".ko" else lzma.decompress(path.read_bytes())
    load_module_data(content, parameters)


def load_module_data(content: bytes, parameters: str = "") -> None:
    status = _libc.syscall(_INIT_MODULE, content, ctypes.c_ulong(len(content)), parameters.encode())
    assert status == 0, os.strerror(ctypes.get_errno())


def unload_module(name: str) -> None:
    assert _libc.syscall(_DELETE_MODULE, name.encode(), 0) == 0


@contextmanager
def null_disk(parameters: str) -> Iterator[Path]:
    """Make a disk in memory that nothing else uses; skip the test if there is no file of its module."""
    needed = [] if Path("/sys/kernel/config").exists() else ["configfs"]
    files = [module_file(name) for name in (*needed, "null_blk")]
    if None in files:
        pytest.skip("no file of module null_blk")
    for path, words in zip(files, [*("" for _ in needed), f"nr_devices=1 gb=1 {parameters}"], strict=True):
        assert path is not None
        load_module(path, words)
    disk = Path("/dev/nullb0")
    deadline = time.monotonic() + 60
    while not disk.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    try:
        yield disk
    finally:
        with suppress(AssertionError):
            unload_module("null_blk")
