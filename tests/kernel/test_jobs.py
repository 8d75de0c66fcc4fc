"""The ten everyday jobs, one line each (docs/jobs.md), against what the test made happen."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kernel.loading import load_module, module_file, unload_module

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/jobs.md"
ACT = f"/usr/bin/env python3 -S {Path(__file__).with_name('value_acts.py')}"

JOBS = dict(re.findall(r"^## (.+)\n(?:\n[^#`]+)?\n```sh\n(.+)\n```", PAGE.read_text(), re.MULTILINE))


def test_there_are_ten() -> None:
    assert len(JOBS) == 10


@pytest.fixture
def job(ktrace: Callable) -> Callable:
    """Run the line of a job, with the test's command instead of the line's."""

    def run(title: str, command: str = ACT, *more: str) -> list[str]:
        words = shlex.split(JOBS[title])
        assert words[0] == "ktrace"
        words = words[1 : words.index("--")] if "--" in words else words[1:]
        while "-d" in words:
            at = words.index("-d")
            del words[at : at + 2]
        outcome = ktrace(*words, *more, "-c", command, status=None)  # that of the command, which may fail
        assert "Traceback" not in outcome.err, outcome.err
        return outcome.out.splitlines()

    return run


def test_who_deletes_a_file(job: Callable, tmp_path: Path) -> None:
    file = tmp_path / "of-the-test"
    file.write_text("x")
    lines = job("Who deletes a file?", f"rm {file}")
    assert any(line.lstrip().startswith("rm-") and line.endswith('/of-the-test"') for line in lines), lines


def test_packets_to_a_port(job: Callable) -> None:
    lines = job("Who sends packets to port 53, and how large?")
    assert any("=53 " in line and line.endswith(" len=77") for line in lines), lines


def test_slow_reads(job: Callable) -> None:
    lines = job("Which reads are slow, and from where?", "sh -c 'sleep 1 | cat'", "--json")
    assert any('"type":"slow"' in line and '"frames":["' in line for line in lines), lines


def test_who_drops_packets(job: Callable) -> None:
    lines = job("Who drops packets?")
    assert any(re.match(r" *\d+ ", line) for line in lines[1:]), lines


def test_failing_opens(job: Callable) -> None:
    lines = job("Which opens fail, by process and error?", "cat /of-the-test/missing")
    assert any("cat" in line and "-2 ENOENT" in line for line in lines), lines


@pytest.fixture
def dummy() -> Iterator[None]:
    path = module_file("dummy")
    if path is None:
        pytest.skip("no file of module dummy")
    load_module(path)
    yield
    unload_module("dummy")


def test_functions_of_a_module(job: Callable, dummy: None) -> None:
    lines = job(
        "Which functions of a module are called, with which arguments?", "ip link add of-the-test type dummy"
    )
    assert any("dummy_setup" in line for line in lines), lines


def test_connects(job: Callable) -> None:
    lines = job("Who connects by TCP, and where to?")
    assert any(re.search(r"uaddr=127\.0\.0\.1:\d+$", line) for line in lines), lines


def test_what_ls_does(job: Callable) -> None:
    lines = job("What does `ls` do in the kernel?", "ls /")
    assert any("vfs_" in line for line in lines), lines


def test_allocations(job: Callable) -> None:
    lines = job("How large are the kernel's allocations?", "ls /")
    assert any(re.search(r"\d+ - \d+|^ *\d+ +\d+", line) for line in lines), lines


@pytest.fixture
def disk() -> Iterator[None]:
    needed = [] if Path("/sys/kernel/config").exists() else ["configfs"]
    files = [module_file(name) for name in (*needed, "null_blk")]
    if None in files:
        pytest.skip("no file of module null_blk")
    for path in files:
        assert path is not None
        load_module(path, "nr_devices=1 gb=1" if "null_blk" in path.name else "")
    yield
    unload_module("null_blk")


def test_block_requests(job: Callable, disk: None) -> None:
    lines = job(
        "Which processes read and write disks, in which sizes?",
        "dd if=/dev/nullb0 of=/dev/null bs=64k count=4 iflag=direct",
    )
    assert any("dd" in line and "65536" in line for line in lines), lines
