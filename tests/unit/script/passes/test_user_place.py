"""Errors in the tapset's text, with the place in the script that led there."""

import pytest

from ktrace.errors import KtraceError
from tests.unit.script.scripts import FakeKernel, compiled


@pytest.mark.parametrize(
    ("script", "kernel", "place"),
    [
        # A place that is not there, a type, and the same through an alias of the script.
        ("probe vfs.read { println(file) }", FakeKernel([]), "vfs.read"),
        ('probe vfs.read { println(file . "") }', FakeKernel(["vfs_read"]), None),
        ("probe vfs.read { println(file) } global file[3]", FakeKernel(["vfs_read"]), "vfs.read"),
        ("probe a = vfs.read {} probe a { println(file) } global file[3]", FakeKernel(["vfs_read"]), "a"),
    ],
)
def test_an_error_in_an_alias_names_the_probe(script: str, kernel: FakeKernel, place: str | None) -> None:
    with pytest.raises(KtraceError) as caught:
        compiled(f"\n{script}", kernel)
    _, _, last = caught.value.message.partition("\n")
    assert last == (f"in t.stp:2: probe {place}" if place else "")
