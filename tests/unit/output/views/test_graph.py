import json
from io import BytesIO

import pytest

from ktrace.model.batch import Lost
from ktrace.model.calltree import Call, Gap, Tree
from ktrace.output.views.graph import CallJson, CallText
from tests.unit.output.schema import SCHEMA, fits

NAMES = {1: "vfs_read", 2: "rw_verify_area", 3: "evil\x1b"}


def tree(**more: int) -> Tree:
    inner = Call(3, 2, 8_754_321_900, 1, None)
    calls = [Call(2, 1, 8_754_321_800, 1, 1_234_567, None, [inner]), Gap(12), Call(2, 1, 9, 0, 999)]
    return Tree(1234, "cat\n", Call(1, 0, 8_754_321_777, 1, 2_000_000_001, None, calls), 4, **more)


def text(one: Tree, *, colour: bool = False) -> str:
    out = BytesIO()
    CallText(out, NAMES.__getitem__, colour=colour).tree(one)
    return out.getvalue().decode()


def test_a_line_for_each_call() -> None:
    assert text(tree()) == (
        "cat\\n-1234  CPU 1  8.754321\n"
        "$ 2000000.001 us   vfs_read\n"
        "#    1234.567 us     rw_verify_area\n"
        "    not returned       evil\\x1b\n"
        "                     [LOST 12 EVENTS]\n"
        "        0.999 us     rw_verify_area\n"
        "\n"
    )


@pytest.mark.parametrize(
    ("duration", "mark"),
    [(10_000, " "), (10_001, "+"), (100_001, "!"), (1_000_001, "#"), (10_000_001, "*"), (100_000_001, "@")],
)
def test_marks_are_the_kernels(duration: int, mark: str) -> None:
    line = text(Tree(1, "x", Call(1, 0, 0, 0, duration))).splitlines()[1]
    assert line[0] == mark and line.index("vfs_read") == 19


def test_colours_only_where_they_are_wanted_and_marks_all_the_same() -> None:
    assert "\x1b" not in text(tree())
    coloured = text(tree(), colour=True)
    assert "\x1b[1;31m$ 2000000.001 us\x1b[0m   vfs_read" in coloured
    assert "\x1b[31m#    1234.567 us\x1b[0m" in coloured and "evil\\x1b" in coloured


@pytest.mark.parametrize(
    ("value", "shown"), [((1 << 64) - 2, "-2"), (0, "0"), (65_535, "65535"), (1 << 16, "0x10000")]
)
def test_what_a_call_returned(value: int, shown: str) -> None:
    assert text(Tree(1, "x", Call(1, 0, 0, 0, 5, value))).splitlines()[1].endswith(f"vfs_read = {shown}")


def test_what_was_not_kept_and_what_was_lost() -> None:
    assert text(tree(omitted=7)).endswith("                   [7 CALLS NOT KEPT]\n\n")
    out = BytesIO()
    writer = CallText(out, NAMES.__getitem__)
    writer.lost(Lost(0, 1, 5))
    writer.lost(Lost(0, None, None))
    assert out.getvalue() == b"CPU:1 [LOST 5 EVENTS]\nCPU:? [LOST EVENTS]\n"


def records(*trees: Tree) -> list[dict]:
    out = BytesIO()
    writer = CallJson(out, NAMES.__getitem__)
    for one in trees:
        writer.tree(one)
    writer.lost(Lost(0, 1, 5))
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert all(fits(record, SCHEMA) for record in found), found
    return found


def test_json_tells_who_called_whom() -> None:
    found = records(tree(), tree(incomplete=True, omitted=3))
    assert found[0] == {
        "schema": 1, "type": "call", "ts": 8_754_321_777, "cpu": 1, "pid": 1234, "comm": "cat\n",
        "id": 0, "parent": None, "depth": 0, "func": "vfs_read", "duration_ns": 2_000_000_001,
    }  # fmt: skip
    assert [(r.get("id"), r["parent"], r.get("depth")) for r in found[:5]] == [
        (0, None, 0), (1, 0, 1), (2, 1, 2), (None, 0, None), (3, 0, 1),
    ]  # fmt: skip
    assert found[2]["duration_ns"] is None
    assert found[3] == {"schema": 1, "type": "call_gap", "parent": 0, "count": 12}
    assert found[5]["id"] == 4 and found[5]["incomplete"] is True and found[5]["omitted"] == 3
    assert found[-1]["type"] == "lost"


def test_json_has_what_was_returned() -> None:
    assert records(Tree(1, "x", Call(1, 0, 0, 0, 5, 77)))[0]["retval"] == 77
