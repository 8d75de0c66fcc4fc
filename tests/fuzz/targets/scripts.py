"""Scripts in SystemTap's language."""

import warnings

from tests.fuzz.mutate import Material
from tests.fuzz.target import Target
from tests.scripts.case import HERE, read
from tests.unit.script.scripts import events, feed, start
from tests.unit.script.test_any_script import LIMITS, MORE, Everything


class Scripts(Target):
    """Compiled, begun, fed with events, and ended. system() is off, as it is unless asked for."""

    name = "script"

    def material(self) -> Material:
        """Take the scripts of the tests."""
        seeds = [read(path).script.encode() for path in sorted(HERE.glob("*/*.case"))]
        words = (*MORE, "99999999999999999999", '"^(a+)+$"', "%s", "%*.*d", "'", "\udcff", "((((((((", "x,")
        return Material(
            [*seeds, b'probe begin { if ("aaaaaaaaaaaaab" =~ "^(a+)+$") println(matched(0)) }'],
            [word.encode("utf-8", "surrogateescape") for word in words],
        )

    def run(self, data: bytes) -> None:
        """Run it, or get an error."""
        kernel = Everything()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ran = start(data.decode("utf-8", "surrogateescape"), kernel, "7", "x y", limits=LIMITS)
            for name, reads in kernel.asked.items():
                columns = {
                    f"f{i}": [1, 2] if one.kind not in ("string", "ustring", "path") else ["x", None]
                    for i, one in enumerate(reads)
                }
                feed(ran, events(name, columns))
            ran.drive.advance(3_000_000_000)
            ran.drive.end()
            ran.drive.flush()
