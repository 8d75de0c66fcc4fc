"""Functions and types of a module that is loaded meanwhile: dummy, a network device that does nothing."""

import ctypes
import lzma
import os
import pwd
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

MODULE = "dummy"
_INIT_MODULE, _DELETE_MODULE = 175, 176  # x86-64

_libc = ctypes.CDLL(None, use_errno=True)


def module_file() -> Path | None:
    """The module's file, of this machine's kernel or of the one that `ktrace vm` has unpacked."""
    release = os.uname().release
    home = Path(pwd.getpwuid(Path(__file__).stat().st_uid).pw_dir)
    for folder in (
        Path("/"),
        home / ".cache/ktrace/kernels" / release,
        Path.home() / ".cache/ktrace/kernels" / release,
    ):
        found = sorted((folder / "lib/modules" / release).glob(f"kernel/drivers/net/{MODULE}.ko*"))
        if found and found[0].suffix in (".ko", ".xz"):
            return found[0]
    return None


@pytest.fixture
def load() -> Iterator[Callable[[], None]]:
    """Load the module; it is removed at the end."""
    path = module_file()
    if path is None:
        pytest.skip(f"no file of module {MODULE}")
    content = path.read_bytes() if path.suffix == ".ko" else lzma.decompress(path.read_bytes())

    def init() -> None:
        status = _libc.syscall(_INIT_MODULE, content, ctypes.c_ulong(len(content)), b"")
        assert status == 0, os.strerror(ctypes.get_errno())

    yield init
    with suppress(AssertionError):
        unload()


def unload() -> None:
    assert _libc.syscall(_DELETE_MODULE, MODULE.encode(), 0) == 0


def test_a_probe_waits_for_its_module(ktrace: Callable, load: Callable) -> None:
    assert "waits: module dummy is not loaded" in ktrace("add", "dummy:dummy_dev_init", "a=%di").err
    (probe,) = ktrace("list", "--json").records("probe")
    assert probe["pending"] and "[waits for module dummy]" in ktrace("list").out
    load()
    records = ktrace("list", "--json").records()
    (probe,) = (r for r in records if r["type"] == "probe")
    (line,) = (r for r in records if r["type"] == "kprobe")
    assert not probe["pending"] and line["module"] == MODULE and line["event"] == probe["event"]
    assert f"dummy_dev_init+0x{line['offset']:x}  dummy" in ktrace("list").out
    ktrace("remove", "dummy_dev_init")


def test_a_run_sees_a_module_being_loaded(start: Callable, armed: Callable, load: Callable) -> None:
    """Its own start calls the function: the probe is there before."""
    run = start("trace", "dummy:dummy_dev_init", "a=%di:x64", "--json")
    run.until(armed)
    load()
    run.signal(signal.SIGINT)
    (record,) = run.wait().records("event")
    assert record["event"] == "dummy_dev_init" and record["args"]["a"] > 1 << 63


def test_arguments_by_the_modules_types(
    ktrace: Callable, start: Callable, armed: Callable, load: Callable
) -> None:
    """With the module's name and without it: kallsyms says where a function is."""
    load()
    (row,) = ktrace("funcs", "dummy_dev_init", "--args", "--json").records("function")
    assert row["module"] == MODULE and MODULE in ktrace("funcs", "dummy_dev_init").out
    if not Path("/sys/kernel/btf", MODULE).exists():  # kernels before 5.11 describe no modules
        err = ktrace("add", "dummy:dummy_dev_init", "dev->mtu", status=5).err
        assert "module 'dummy' is not loaded, or has no BTF" in err
        return
    assert row["signature"] == "int dummy_dev_init(struct net_device *dev)"
    run = start("trace", "dummy_dev_init", "dev->name", "dev->mtu", ",", "dummy:dummy_dev_init", "n=dev->mtu",
                "--json")  # fmt: skip
    run.until(armed)
    subprocess.run(["busybox", "ip", "link", "add", "ktdummy", "type", "dummy"], check=True)
    run.signal(signal.SIGINT)
    args = [record["args"] for record in run.wait().records("event")]
    assert {"name": "ktdummy", "mtu": 1500} in args and {"n": 1500} in args
