"""The first events of a script are read one by one, many of them in one step: with the same values."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ktrace.script.driver.live_pages import LivePages

LOAD = "dd if=/dev/zero of=/dev/null bs=777 count=5 status=none"

SCRIPTS = {
    "numbers": """probe kernel.function("vfs_read") {
        if ($count == 777) println(execname(), " ", $count, " ", $pos != 0) }""",
    "returns": """probe kernel.function("vfs_read").return {
        if ($return == 777) printf("%d %d %s\\n", $return, @entry($count), ppfunc()) }""",
    "texts": """probe syscall.openat {
        if (pid() == target() && isinstr(filename, "/dev/zero")) println(name, " ", argstr) }""",
    "fields of events": """probe kernel.trace("sched_process_exec") {
        if (pid() == target()) println(kernel_string($filename), $pid == pid(), tid() == pid()) }""",
    "names of tasks": """probe kernel.trace("raw_syscalls:sys_exit") {
        if ($ret == 777 && pid() == target()) println(execname(), " ", $ret) }""",
    "programs": 'probe kernel.trace("sched_process_exit") { if (pid() == target()) println(cmdline_str()) }',
    "several events and a timer": """global n
        probe kernel.function("vfs_read") { if ($count == 777) printf("r%d\\n", ++n) }
        probe kernel.function("vfs_write") { if ($count == 777) printf("w%d\\n", ++n) }
        probe timer.ms(1) { if (n > 1000) exit() }""",
}
# As the console script does it.
RUN = """
import json, sys
from ktrace.cli.main import main
status = main(["run", *sys.argv[1:]])
sys.stderr.write("\\n" + json.dumps([status, sorted(sys.modules)]))
"""


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_both_ways_give_the_same(ktrace, monkeypatch, script: str) -> None:
    words = ("run", "--no-cache", "-T", "60", "-c", LOAD, "-e", script)
    in_one_step = ktrace(*words)  # as always with -c
    monkeypatch.setattr(LivePages, "prepare", lambda _reader, many: None)
    one_by_one = ktrace(*words)
    assert one_by_one.out.count("\n") >= 1 and one_by_one.out == in_one_step.out


def fresh(cache: Path, *words: str) -> tuple[str, str, set[str]]:
    """Run a script in a new interpreter. Return its output, its messages and the modules that it loaded."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    made = (sys.executable, "-c", RUN, *words)
    done = subprocess.run(made, env=environment, capture_output=True, text=True, check=False)
    *messages, last = done.stderr.splitlines()
    status, names = json.loads(last)
    assert status == 0, done.stderr
    return done.stdout, "\n".join(messages), set(names)


def test_many_events_of_a_command_are_all_handled(tmp_path: Path) -> None:
    script = """global n probe kernel.function("vfs_read") { if ($count == 777) n <<< $count }
        probe end { println(@count(n), " ", @sum(n)) }"""
    load = "dd if=/dev/zero of=/dev/null bs=777 count=5000 status=none"
    out, messages, names = fresh(tmp_path, "--no-pushdown", "-c", load, "-e", script)
    assert out == "5000 3885000\n" and "lost" not in messages
    assert "numpy" in names


def test_a_few_events_load_no_numpy(tmp_path: Path) -> None:
    script = 'probe kernel.function("vfs_read") { printf("%s %d\\n", execname(), $count) exit() }'
    with subprocess.Popen(["sh", "-c", f"while :; do {LOAD}; sleep 0.05; done"]) as load:
        try:
            for _ in range(2):
                out, _, names = fresh(tmp_path, "-T", "60", "-e", script)
                assert out.count("\n") == 1
                assert not {"numpy", "ktrace.model.batch", "ktrace.stream.merge"} & names
        finally:
            load.kill()
    assert "ktrace.script.passes.compiler" not in names
