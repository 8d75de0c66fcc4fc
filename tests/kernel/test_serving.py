"""Scripts that serve what they have counted: over HTTP, and what is left of one that was killed."""

import errno
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

READS = """
global n
probe kernel.function("vfs_read") { if ($count == 777) n[execname()]++ }
probe prometheus { @prometheus_dump_array1(n, "reads", "name") }
"""


def read_777(times: int) -> None:
    words = ["dd", "if=/dev/zero", "of=/dev/null", "bs=777", f"count={times}", "status=none"]
    subprocess.run(words, check=True)


@pytest.mark.parametrize("options", [(), ("--no-pushdown",)], ids=["counted", "handled"])
def test_a_page_has_all_that_was_before(start: Callable, options: tuple[str, ...]) -> None:
    run = start("run", *options, "--listen", "0", "-e", READS)
    run.until(lambda: "serving http" in run.err)
    url = next(word for word in run.err.split() if word.startswith("http://"))

    def page() -> str:
        with urllib.request.urlopen(f"{url}metrics", timeout=60) as response:
            body: bytes = response.read()
            return body.decode()

    assert page() == ""  # the probes are enabled when it answers
    for total in (3, 5):
        read_777(3 if total == 3 else 2)
        assert page() == f'reads{{name="dd"}} {total}\n'
    run.signal(signal.SIGINT)
    assert run.wait().status == 0


def test_clean_removes_the_mount_of_a_killed_run(start: Callable, ktrace: Callable, tmp_path: Path) -> None:
    with suppress(OSError), Path("/dev/fuse").open("rb"):  # to open it loads the module
        pass
    at = tmp_path / "served"
    run = start("run", "--procfs", str(at), "-e", READS)
    run.until((at / "__prometheus").exists)
    run.signal(signal.SIGKILL)
    run.wait()
    with pytest.raises(OSError) as caught:
        list(at.iterdir())
    assert caught.value.errno in (errno.ENOTCONN, errno.ECONNABORTED)
    assert f"umount -l {at}" in ktrace("clean", "--dry-run").out
    assert str(at) in ktrace("clean").err
    assert list(at.iterdir()) == []
    assert ktrace("clean", "--dry-run").out == ""
