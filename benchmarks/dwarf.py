"""Measure the time from a kernel's debug info to the source line of an address, and back.

    python -m benchmarks.dwarf --vmlinux FILE [--function NAME] [--rounds N]

Times are the best of several rounds, each in a fresh interpreter, relative to `addr2line -i` of the same
address in the same run. Compare the ratios between machines, not the milliseconds. tests/dwarf/fetch.py
prints the name of a `FILE`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_STEPS = """
import json, sys, time
from pathlib import Path

start = time.perf_counter()
from ktrace.model.place import SymbolPlace
from ktrace.symbols.dwarf.info import DebugInfo
from ktrace.symbols.elf import Elf
imported = time.perf_counter()
cache, vmlinux, function, what = sys.argv[1:]
info = DebugInfo(Elf.open(Path(vmlinux)), Path(cache) if cache else None)
found = {
    "address to line": lambda: info.source_at(SymbolPlace(function, 8)),
    "lines of the function": lambda: info.lines_of(function),
    "variables at its entry": lambda: info.variables(SymbolPlace(function)),
    "line of a file to address": lambda: info.places_of_line("fs/read_write.c", 474),
    "functions of a source file": lambda: info.functions_in("fs/read_write.c"),
    "inlined sites (new_sync_read)": lambda: info.inlined_sites("new_sync_read"),
}[what]()
done = time.perf_counter()
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
memory = {key: int(status[key].split()[0]) / 1024 for key in ("RssAnon", "RssFile")}
print(json.dumps([done - imported, imported - start, memory, bool(found)]))
"""
_QUESTIONS = (
    "address to line",
    "lines of the function",
    "variables at its entry",
    "line of a file to address",
    "functions of a source file",
    "inlined sites (new_sync_read)",
)
_ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vmlinux")
    parser.add_argument("--function", default="vfs_read")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.vmlinux is None:
        print("not measured: --vmlinux FILE (`make test-dwarf` downloads one)")
        return
    address = _address(options.vmlinux, options.function)
    reference = min(_timed("addr2line", "-i", "-e", options.vmlinux, address) for _ in range(options.rounds))
    print(f"addr2line -i {address}: {reference * 1000:.0f} ms = 1.00\n")
    with tempfile.TemporaryDirectory() as folder:
        for title, cache in (("cold", ""), ("with a kept index", folder)):
            print(f"{title}: ms, ratio to addr2line, own memory, mapped pages of the file")
            for question in _QUESTIONS:
                runs = [
                    _run(cache, options.vmlinux, options.function, question) for _ in range(options.rounds)
                ]
                seconds, _, memory, found = min(runs, key=lambda run: run[0])
                note = "" if found else "  (found nothing)"
                print(
                    f"  {seconds * 1000:8.1f} {seconds / reference:6.3f} {memory['RssAnon']:5.0f} MiB"
                    f" {memory['RssFile']:5.0f} MiB  {question}{note}"
                )


def _address(vmlinux: str, function: str) -> str:
    listed = subprocess.run(["nm", vmlinux], check=True, capture_output=True, text=True).stdout
    return next(
        hex(int(line.split()[0], 16) + 8) for line in listed.splitlines() if line.endswith(f" {function}")
    )


def _timed(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def _run(*arguments: str) -> tuple[float, float, dict[str, float], bool]:
    command = [sys.executable, "-c", _STEPS, *arguments]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=_ROOT).stdout
    seconds, imports, memory, found = json.loads(output)
    return seconds, imports, memory, found


if __name__ == "__main__":
    main()
