"""Measure how long whole commands take to start, relative to an interpreter that does nothing.

    python -m benchmarks.startup [--rounds N]

Runs `python -c pass` and ktrace in turn, in the same environment, so that the load of the machine affects
both. `list` and `add` end early if tracefs cannot be used; run it in `ktrace vm` to measure all of it. Prints
medians of the times and of each round's ratio, by elapsed time and by processor time, which depends less on
the load. The goal is a ratio of at most 6.
"""

import argparse
import os
import shlex
import statistics
import sys
import time

Cost = tuple[float, float]

_PROMISED = 6.0
_COMMANDS = (["--help"], ["list"], ["add", "do_fork"], ["add", "--help"], ["version"], ["trace", "--help"])
# What the console script that pip installs does.
_SCRIPT = "from ktrace.__main__ import entry; entry()"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    nothing: list[Cost] = []
    costs: dict[str, list[tuple[Cost, Cost]]] = {}
    for number in range(rounds + 1):
        for words in _COMMANDS:
            pair = cost("pass"), cost(_SCRIPT, *words)
            if number:  # the first round fills caches
                nothing.append(pair[0])
                costs.setdefault(shlex.join(["ktrace", *words]), []).append(pair)
    print(f"median of {rounds} rounds{'':9}{'passed':>10}{'ratio':>7}{'processor':>13}{'ratio':>7}")
    _row("python -c pass", [(one, one) for one in nothing])
    for name, pairs in costs.items():
        _row(name, pairs)
    return 0


def _row(name: str, pairs: list[tuple[Cost, Cost]]) -> None:
    figures = ""
    worst = 0.0
    for kind in (0, 1):
        ratio = statistics.median(ours[kind] / nothing[kind] for nothing, ours in pairs)
        figures += f"{statistics.median(ours[kind] for _, ours in pairs) * 1000:10.1f} ms{ratio:7.2f}"
        worst = max(worst, ratio)
    print(f"{name:25}{figures}{f'  above {_PROMISED:.0f}' if worst > _PROMISED else ''}")


def cost(code: str, *argv: str) -> Cost:
    """Return the seconds, and the seconds of processor time, that a fresh interpreter takes for `code`."""
    started = time.perf_counter()
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
    words = [sys.executable, "-c", code, *argv]
    pid = os.posix_spawn(sys.executable, words, os.environ, file_actions=null)
    usage = os.wait4(pid, 0)[2]
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
