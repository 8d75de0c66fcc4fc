"""The virtual machine that benchmarks run in which need kprobes."""

import argparse
import subprocess
import sys
from pathlib import Path


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where to measure."""
    parser.add_argument("--kernel", default="6.12", help="of the virtual machine")
    parser.add_argument(
        "--here", action="store_true", help="on this machine: as root, on a kernel with kprobes"
    )


def run_there(options: argparse.Namespace, *vm: str) -> int | None:
    """Run this benchmark, with the words that it was given, in a virtual machine.

    Args:
        vm: more options of `ktrace vm`.

    Returns:
        Its exit status; None where it is to be measured here.
    """
    if options.here:
        return None
    inside = [sys.executable, "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *sys.argv[1:], "--here"]
    words = ["--kernel", options.kernel, "--timeout", "3000", *vm, "--", *inside]
    return subprocess.run([sys.executable, "-m", "ktrace", "vm", *words], check=False).returncode
