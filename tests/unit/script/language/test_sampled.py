"""Probe points of perf events."""

import pytest

from ktrace.script.language.sites import Profile, Watch
from ktrace.script.language.source import ScriptError
from tests.unit.script.scripts import FakeKernel, compiled


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ("timer.profile", Profile()),
        ("timer.profile.tick", Profile()),
        ('kernel.data("jiffies").write', Watch("jiffies")),
        ("kernel.data(0x1000).rw", Watch(0x1000, reads=True)),
        ('kernel.data("x").length(4).write', Watch("x", 4)),
    ],
)
def test_points(point: str, expected: object) -> None:
    (bound,) = compiled(f"probe {point} {{ }}").bound
    assert bound.site == expected


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ("kernel.data.write", "takes an address or a variable's name"),
        ('kernel.data("x")', "is the memory written"),
        ('kernel.data("x").length(3).write', "has 1, 2, 4 or 8 bytes"),
        ('kernel.data("x").write.length(4)', "is the memory written"),
    ],
)
def test_wrong_points(point: str, message: str) -> None:
    with pytest.raises(ScriptError) as caught:
        compiled(f"probe {point} {{ }}")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ['probe kernel.function("f") { println(addr()) }', "probe begin { addr() }"])
def test_only_a_sample_has_an_address(text: str) -> None:
    for more in (text, text.replace("addr()", "where()") + " function where() { return addr() }"):
        with pytest.raises(ScriptError) as caught:
            compiled(more, FakeKernel(["f"]))
        assert "addr() is known at timer.profile and kernel.data" in str(caught.value)
