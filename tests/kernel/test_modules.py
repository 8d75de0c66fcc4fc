"""Functions and types of a module that is loaded meanwhile: dummy, a network device that does nothing."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.kernel.loading import load_module, module_file, unload_module

MODULE = "dummy"


@pytest.fixture
def load() -> Iterator[Callable[[], None]]:
    """Load the module; it is removed at the end."""
    path = module_file(MODULE)
    if path is None:
        pytest.skip(f"no file of module {MODULE}")
    yield lambda: load_module(path)
    with suppress(AssertionError):
        unload_module(MODULE)


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
    """The module's own start calls the function, so the probe must exist before."""
    run = start("trace", "dummy:dummy_dev_init", "a=%di:x64", "--json")
    run.until(armed)
    load()
    run.signal(signal.SIGINT)
    (record,) = run.wait().records("event")
    assert record["event"] == "dummy_dev_init" and record["args"]["a"] > 1 << 63


def test_arguments_by_the_modules_types(
    ktrace: Callable, start: Callable, armed: Callable, load: Callable
) -> None:
    """A function is found with and without the module's name, because kallsyms has the module."""
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
