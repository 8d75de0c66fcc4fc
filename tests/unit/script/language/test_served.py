"""Probe points of what a script serves."""

import pytest

from ktrace.errors import KtraceError
from ktrace.script.language.sites import Input, Served
from tests.unit.script.scripts import compiled


def site(point: str) -> object:
    (bound,) = compiled(f"probe {point} {{ }}").bound
    return bound.site


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ("procfs.read", Served("command", "read")),
        ('procfs("x").write', Served("x", "write")),
        ('procfs("a/b").umask(0022).read.maxsize(64)', Served("a/b", "read", 0o22, 64)),
        ("prometheus", Served("__prometheus", "read", maxsize=1 << 20)),
        ("json_data", Served("data.json", "read", maxsize=1 << 20)),
        ("input.char", Input("char")),
        ("input.line", Input("line")),
    ],
)
def test_points(point: str, expected: object) -> None:
    assert site(point) == expected


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ("procfs", "is the file read or written?"),
        ('procfs("x").read.umask(1)', "is the file read or written?"),
        ('procfs("x").call', "does not belong to procfs"),
        ("procfs(5).read", "takes a file's name"),
        ('procfs("../x").read', "not a file's name below the folder"),
        ('procfs("/etc/passwd").read', "not a file's name below the folder"),
        ('procfs("").read', "not a file's name below the folder"),
        ('procfs("x").umask("a").read', ".umask takes a number"),
    ],
)
def test_wrong_points(point: str, message: str) -> None:
    with pytest.raises(KtraceError, match=message.replace("?", r"\?").replace(".", r"\.")):
        site(point)
