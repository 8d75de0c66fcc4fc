"""Probe points of perf events."""

import pytest

from ktrace.script.language.sites import PerfEvent, Profile, Watch
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
        ("perf.sw.page_faults", PerfEvent(1, 2)),
        ("perf.sw.cpu_clock.sample(5000)", PerfEvent(1, 0, 5000)),
        ("perf.hw.branch_misses.hz(99)", PerfEvent(0, 5, 0, 99)),
        ("perf.hw_cache.dtlb.write.miss", PerfEvent(3, 3 | 1 << 8 | 1 << 16)),
        ("perf.hw_cache.ndoe.write.miss", PerfEvent(3, 6 | 1 << 8 | 1 << 16)),
        ("perf.type(4).config(0x1a8)", PerfEvent(4, 0x1A8)),
        ("timer.profile.freq.hz(99)", PerfEvent(1, 0, 0, 99)),
        ("timer.profile.freq", PerfEvent(1, 0)),
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
        ("perf", "there is no perf event 'perf'"),
        ("perf.sw.faults", "there is no perf event 'perf.sw.faults'"),
        ('perf.type("x").config(0)', "there is no perf event"),
        ("perf.hw_cache.l1d.read", "there is no perf event"),
        ("perf.sw.page_faults.hz", ".hz takes a number above 0"),
        ("perf.sw.page_faults.sample(0)", ".sample takes a number above 0"),
        ("perf.sw.page_faults.often", "does not belong to a perf event"),
        ("perf.sw.page_faults.hz(1).sample(1)", "'sample(1)' does not belong to a perf event"),
        ('perf.hw.instructions.process("/bin/ls")', "perf events of a process"),
        ('perf.hw.instructions.counter("n")', "read by @perf"),
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
