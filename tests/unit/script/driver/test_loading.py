"""The modules that the start of a script loads: loading is most of what a start costs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]

# As the console script does it, for a script without kernel probes.
RUN = """
import json, sys
from ktrace.cli.main import main
status = main(["run", *sys.argv[1:]])
sys.stderr.write("\\n" + json.dumps([status, sorted(sys.modules)]))
"""
# What a run with kernel probes loads in addition, once its program is there.
PROBES = """
import json, sys
import ktrace.script.driver.run, ktrace.kernel.kernel
import ktrace.script.driver.live
from ktrace.script.driver.later_kernel import LaterKernel
LaterKernel(None, print).symbols
for name in sys.argv[1:]:
    __import__(name)
sys.stderr.write("\\n" + json.dumps([0, sorted(sys.modules)]))
"""
COUNTING = "ktrace.script.driver.hist_counters"
ONE_BY_ONE = "ktrace.script.driver.live_rows"
MANY_AT_ONCE = ("ktrace.script.driver.live_decoder", "ktrace.script.runtime.columns")

COMPILER = (
    "ktrace.script.language.ast",
    "ktrace.script.language.parser",
    "ktrace.script.language.preprocess",
    "ktrace.script.passes.compiler",
    "ktrace.script.passes.pass_list",
    "ktrace.script.tapset",
)
LOOKING_UP = (
    "ktrace.resolve.resolve",
    "ktrace.expr",
    "ktrace.symbols.btf",
    "ktrace.symbols.dwarf",
    "ktrace.script.driver.live_kernel",
)
EVENTS = ("numpy", "ktrace.model.batch", "ktrace.session.session", "ktrace.stream", "ktrace.ringbuffer")
DECODING = (
    "numpy",
    "ktrace.model.batch",
    "ktrace.ringbuffer.decode",
    "ktrace.stream.merge",
    "ktrace.stream.enrich",
)
NEVER = (
    "rich",
    "elftools",
    "psutil",
    "polars",
    "html",
    "concurrent.futures.thread",
    "ktrace.output.printfmt",
)


def loaded(code: str, *words: str, cache: Path | None = None) -> list[str]:
    """Return the modules that a fresh interpreter has loaded at the end of `code`."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache or "")}
    words = (sys.executable, "-c", code, *words)
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    status, names = json.loads(done.stderr.splitlines()[-1])
    assert status == 0, done.stderr
    return names


def among(names: list[str], *unwanted: str) -> list[str]:
    """Return those of the modules that are unwanted, or in an unwanted package."""
    return [name for name in names if any(name == one or name.startswith(f"{one}.") for one in unwanted)]


SCRIPT = "probe begin { println(7) exit() } probe timer.s(9) { println(8) }"


def test_a_script_without_kernel_probes(tmp_path: Path) -> None:
    first = loaded(RUN, "-e", SCRIPT, cache=tmp_path)
    assert among(first, "typer", *NEVER, *LOOKING_UP, *EVENTS) == []
    assert among(first, *COMPILER) == sorted(COMPILER)
    second = loaded(RUN, "-e", SCRIPT, cache=tmp_path)
    assert among(second, "typer", *NEVER, *LOOKING_UP, *EVENTS, *COMPILER) == []


@pytest.mark.parametrize(
    "also", [(ONE_BY_ONE,), MANY_AT_ONCE, (COUNTING,)], ids=["an argument", "many events", "counting"]
)
def test_a_script_with_kernel_probes_that_was_kept(also: tuple[str, ...]) -> None:
    names = loaded(PROBES, *also)
    assert among(names, *NEVER, *LOOKING_UP, *COMPILER) == []
    assert (COUNTING in names) == (COUNTING in also)
    assert ("ktrace.aggregate.hist_file" in names) == (COUNTING in also)
    assert bool(among(names, *DECODING)) == (also == MANY_AT_ONCE)
