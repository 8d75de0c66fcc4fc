"""Run benchmarks that need kprobes in a virtual machine."""

import argparse
import subprocess
import sys
from pathlib import Path


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose the machine."""
    parser.add_argument("--kernel", default="6.12", help="of the virtual machine")
    parser.add_argument(
        "--count-instructions", action="store_true", help="by a clock that counts the machine's instructions"
    )
    parser.add_argument(
        "--here", action="store_true", help="on this machine: as root, on a kernel with kprobes"
    )


def run_there(options: argparse.Namespace) -> int | None:
    """Run this benchmark, with its command line, in a virtual machine.

    Returns:
        Its exit status; None if it should run on this machine.
    """
    if options.here:
        return None
    inside = [sys.executable, "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *sys.argv[1:], "--here"]
    clock = ["--count-instructions"] if options.count_instructions else []
    words = ["--kernel", options.kernel, "--timeout", "3000", *clock, "--", *inside]
    return subprocess.run([sys.executable, "-m", "ktrace", "vm", *words], check=False).returncode
