"""Fuzz filters that a user writes to choose events, applied to hostile texts."""

import numpy as np

from ktrace.errors import UsageError
from ktrace.model.column import Strings
from ktrace.model.patterns.syntax import PatternError
from ktrace.script.runtime.texts import Matcher
from ktrace.stream.filter import Filter
from ktrace.symbols.kallsyms import Kallsyms
from tests.fuzz.mutate import Material
from tests.fuzz.target import Target
from tests.unit.output.batches import batch

HOSTILE = ("a" * 500 + "b", "ab" * 250, "a", "", "x.y-z", "\udcff\n\t", "(a+)+$", "a" * 40)
"""Names as a hostile process may have them, if a little longer."""


class Filters(Target):
    """Filters in the kernel's grammar."""

    name = "filter"
    allowed = (UsageError,)

    def material(self) -> Material:
        """Take filters with every operator."""
        seeds = (
            'comm ~ "a*b*c" && n > 4096', "n == 1 || !(cpu & CPUS{0-3,5})", "comm != 'a' && v <= -1",
            'comm ~ "!*a[a-z]?*"', 'comm ~ "*a*a*a*a*a*a*a*a*c"', "CPU == CPUS{1} || common_pid >= 0x7",
        )  # fmt: skip
        words = (
            *(
                "comm",
                "n",
                "v",
                "cpu",
                "CPU",
                "==",
                "!=",
                "~",
                "&&",
                "||",
                "!",
                "(",
                ")",
                '"',
                "'",
                "*",
                "?",
                "[",
                "]",
            ),
            *(
                "[!a-z]",
                "[]",
                "[^",
                "\\",
                "CPUS{",
                "}",
                "0-8192",
                "-1",
                "0x",
                "99999999999999999999",
                "&",
                " ",
                "((((((",
            ),
            *("*a*a*a*a", "a" * 100),
        )
        return Material([s.encode() for s in seeds], [w.encode() for w in words])

    def run(self, data: bytes) -> None:
        """Apply the filter to hostile names."""
        rows = len(HOSTILE)
        made = batch(
            comm=list(HOSTILE), n=np.arange(rows), v=np.full(rows, -1, np.int8), s=Strings.of(HOSTILE), rows=0
        )
        Filter(data.decode("utf-8", "surrogateescape")).mask(made)


class Globs(Target):
    """Wildcards for functions, over a symbol table."""

    name = "glob"

    def material(self) -> Material:
        """Take patterns with every wildcard."""
        seeds = ("tcp_*", "*a*a*a*a*a*a*b", "a?[a-c]*", "[!a]*", "*")
        words = ("*", "?", "[", "]", "[!", "[a-z]", "a", "-", "\\", "^", "]]", "*a", "a" * 50)
        return Material([s.encode() for s in seeds], [w.encode() for w in words])

    def run(self, data: bytes) -> None:
        """Find the functions."""
        lines = [
            f"ffffffff8100{i:04x} T {name or 'x'}" for i, name in enumerate(("a" * 500, "ab" * 250, "tcp_x"))
        ]
        table = Kallsyms(("\n".join(lines) + "\n").encode())
        for _ in table.matching(data.decode("utf-8", "surrogateescape")):
            pass


class Regexes(Target):
    """Patterns of `=~`."""

    name = "regex"
    allowed = (PatternError,)  # reported when the script is compiled

    def material(self) -> Material:
        """Take patterns with every operator."""
        seeds = (
            "^(a+)+$",
            "(a|aa)+b",
            "[[:alpha:]]{1,3}x?$",
            "^([a-z]*)/([^/]+)$",
            "(a*)*|b",
            "a{100}",
            "(.*)(.*)(.*)x",
        )
        words = (
            *(
                "(",
                ")",
                "[",
                "]",
                "|",
                "*",
                "+",
                "?",
                "{",
                "}",
                "{2,}",
                "{1,9}",
                "{1000}",
                "^",
                "$",
                ".",
                "\\",
                "a",
                "b",
            ),
            *(
                "(a+)+",
                "(a|a)*",
                "[^",
                "[:alpha:]",
                "[[:x:]]",
                "-",
                "\\1",
                "\\d",
                "(?",
                "&&",
                "()",
                "((((((((",
                "\0",
                "\udcff",
            ),
        )
        return Material([s.encode() for s in seeds], [w.encode("utf-8", "surrogateescape") for w in words])

    def run(self, data: bytes) -> None:
        """Match hostile names, and ask for groups."""
        matcher = Matcher()
        pattern = data.decode("latin-1")
        for text in HOSTILE:
            if matcher.match(pattern, text):
                for number in range(matcher.count()):
                    matcher.group(number)
