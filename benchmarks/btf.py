"""Measure the time from a kernel's BTF to the offsets of an expression.

    python -m benchmarks.btf [--btf FILE] [--function NAME] [--expression TEXT] [--rounds N]

First come the steps of the look-up, then `ktrace add --dry-run` as a whole process, with its memory: without
arguments, with one in the kernel's own grammar, and with the expression.

Times are the best of several rounds, each in a fresh interpreter, relative to the start of an interpreter
that does nothing. Compare the ratios between machines, not the milliseconds.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_STEPS = """
import json, resource, sys, time
from pathlib import Path

start = time.perf_counter()
steps = {}

def lap(name):
    global start
    now = time.perf_counter()
    steps[name] = now - start
    start = time.perf_counter()

from ktrace.host.local import LocalHost
from ktrace.expr.arguments import to_registers
from ktrace.expr.source import Site
from ktrace.symbols.btf_files import BtfPaths, file_types, kernel_types
lap("import")
paths = BtfPaths(cache=Path(sys.argv[1]) if sys.argv[1] else None)
types = file_types(Path(sys.argv[2]), paths) if sys.argv[2] else kernel_types(paths)
lap("open")
functions = types.functions(sys.argv[3])
lap("one function with its parameters")
argument = to_registers(sys.argv[4], Site(sys.argv[3], nth=1), types)
lap("the expression")
steps["all of these but import"] = sum(steps.values()) - steps["import"]
if sys.argv[5]:
    start = time.perf_counter()
    {name: i for i, name in enumerate(types.names("function"))}
    lap("(a dictionary of all functions instead)")
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([steps, memory, types.type_count, argument.arg.to_text()]))
"""


# The whole command on a tracing directory made of files: the cost of `add` without the kernel's own work.
_WHOLE = """
import json, resource, sys, time
from pathlib import Path
begun = time.perf_counter()
import ktrace.kernel.kernel, ktrace.probes.define, ktrace.tracefs.mount as mount
from ktrace.tracefs.files import Files
mount.find_tracing = lambda: Files(LocalHost(), sys.argv[1])
if sys.argv[3]:
    def read_types(self, module):
        from ktrace.symbols.btf_files import BtfPaths, file_types
        return file_types(Path(sys.argv[3]), BtfPaths(cache=Path(sys.argv[2]) if sys.argv[2] else None))
    ktrace.kernel.kernel.Kernel._read_types = read_types
from ktrace.cli.main import main
sys.stdout, out = open("/dev/null", "w"), sys.stdout
status = main(["add", "--dry-run", *sys.argv[4:]])
took = time.perf_counter() - begun
sys.stdout = out
names = ("numpy", "rich", "elftools")
print(json.dumps([took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, status,
                  [name for name in names if name in sys.modules]]))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--btf", default="", help="a bare blob; the running kernel's if not given")
    parser.add_argument("--function", default="vfs_read")
    parser.add_argument("--expression", default="file->f_path.dentry->d_name.name")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    nothing = min(_run("import time; s = time.perf_counter()")[1] for _ in range(options.rounds))
    print(f"an interpreter that does nothing: {nothing * 1000:.1f} ms = 1.00\n")
    arguments = (options.btf, options.function, options.expression)
    with tempfile.TemporaryDirectory() as folder:
        _run(_STEPS, folder, *arguments, "")  # fills the cache
        for title, cache, extra in (("cold", "", "x"), ("with a kept table", folder, "")):
            best, memory, count, text = _best(options.rounds, cache, *arguments, extra)
            print(f"{title}: {count} types, {memory / 1024:.0f} MiB at most, {text}")
            for step, seconds in best.items():
                print(f"  {seconds * 1000:8.2f} ms  {seconds / nothing:6.2f}  {step}")
        _whole(options, folder, nothing)


def _whole(options: argparse.Namespace, cache: str, nothing: float) -> None:
    print("\nktrace add --dry-run, the whole process (1.00 is an interpreter that does nothing)")
    with tempfile.TemporaryDirectory() as tracing:
        Path(tracing, "README").write_text("")
        Path(tracing, "kprobe_events").write_text("")
        for title, folder, words in (
            ("no arguments", "", [options.function]),
            ("the kernel's own grammar", "", [options.function, "a=%di:u64"]),
            ("the expression, cold", "", [options.function, options.expression]),
            ("the expression, with a kept table", cache, [options.function, options.expression]),
        ):
            runs = []
            for _ in range(options.rounds):
                output, whole = _run(_WHOLE, tracing, folder, options.btf, *words)
                took, memory, status, heavy = json.loads(output)
                assert status == 0, status
                runs.append((whole, took, memory, heavy))
            whole, took, memory, heavy = min(runs)
            print(
                f"  {whole * 1000:8.2f} ms  {whole / nothing:6.2f}  {memory / 1024:4.0f} MiB  {title}"
                + (f"  (loaded {', '.join(heavy)})" if heavy else "")
            )


def _best(rounds: int, *arguments: str) -> tuple[dict[str, float], int, int, str]:
    best: dict[str, float] = {}
    memory, count, text = 0, 0, ""
    for _ in range(rounds):
        steps, memory, count, text = json.loads(_run(_STEPS, *arguments)[0])
        best = {name: min(seconds, best.get(name, seconds)) for name, seconds in steps.items()}
    return best, memory, count, text


def _run(program: str, *arguments: str) -> tuple[str, float]:
    command = [sys.executable, "-c", program, *arguments]
    start = time.perf_counter()
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=_ROOT).stdout
    return output, time.perf_counter() - start


_ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    main()
