"""The views of top: one count goes on across them, and each wait is announced before it begins."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from ktrace.cli.commands.top import _Live
from ktrace.counting import count as counts
from ktrace.counting import stacks as stacked
from ktrace.errors import NotFound
from ktrace.model.tally import Row, Tally


class Screen:
    """Shows lines in a list; its keys are pressed one look at a time."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        self.shown: list[list[str]] = []

    def size(self) -> tuple[int, int]:
        return 80, 24

    def pressed(self) -> list[str]:
        return [self.keys.pop(0)] if self.keys else []

    def draw(self, lines: list[str], *, marked: int | None = None) -> None:
        self.shown.append(lines)


class Context:
    """A run that ends when it is told to."""

    def __init__(self) -> None:
        self.ended = False
        self.stop = SimpleNamespace(received=None)
        tracing = SimpleNamespace(exists=lambda path: "sched" in path)
        self.session = SimpleNamespace(name="ktrace_1_2", tracing=tracing)

    def end(self) -> None:
        self.ended = True


def counting(*totals: int) -> Callable[..., object]:
    """Stand in for `count`: show these totals of vfs_read, then none new, until the run is ended."""

    def run(context: Context, _request: object, show: Callable[[Tally, float], None]) -> object:
        for second in range(1, 20):
            total = totals[min(second, len(totals)) - 1]
            rows = (Row(("vfs_read",), total),) if total else ()
            show(Tally(("function",), rows), float(second))
            if context.ended:
                break
        return SimpleNamespace(outcome=SimpleNamespace(muted=()))

    return run


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Callable[..., _Live]:
    def make(*keys: str, totals: tuple[int, ...] = (10, 20)) -> _Live:
        monkeypatch.setattr(counts, "count", counting(*totals))
        return _Live(Screen(*keys), ["vfs_*"], [], None, 8192)  # type: ignore[arg-type]

    return make


def lasts(one: _Live) -> list[str]:
    return [lines[-1] for lines in one._screen.shown]  # type: ignore[attr-defined]


def test_the_wait_for_the_kernel_is_announced_at_once(live: Callable[..., _Live]) -> None:
    one = live("s", "l")
    assert one.count(Context(), None) == "latency"  # type: ignore[arg-type]
    said = lasts(one)
    assert said[0] == "waiting for the kernel to place the probes ..."
    assert said[1].startswith("q quit")
    assert said[2] == "latency: waiting for the kernel to remove the probes ..." and len(said) == 3


def test_hits_go_on_after_another_view(live: Callable[..., _Live]) -> None:
    one = live("s", "l")
    one.count(Context(), None)  # type: ignore[arg-type]
    one._screen.keys = ["s", "q"]  # type: ignore[attr-defined]
    assert one.count(Context(), None) == "quit"  # type: ignore[arg-type]
    heads = [lines[0] for lines in one._screen.shown]  # type: ignore[attr-defined]
    assert heads[2].startswith("vfs_*: 20 hits") and heads[3] == heads[2]
    assert heads[4].startswith("vfs_*: 30 hits") and heads[5].startswith("vfs_*: 40 hits, 10/s, by name, 4 s")


def test_another_view_waits_for_a_hit_and_leads_back(
    live: Callable[..., _Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = live("s", "l")
    one.count(Context(), None)  # type: ignore[arg-type]
    monkeypatch.setattr(stacked, "stacks", counting(0, 5))
    one._screen.shown.clear()  # type: ignore[attr-defined]
    one._screen.keys = ["x", "x", "escape"]  # type: ignore[attr-defined]
    assert one.drill(Context(), "stacks") == "count"  # type: ignore[arg-type]
    placed, none, some, back = one._screen.shown  # type: ignore[attr-defined]
    assert placed == ["stacks of vfs_read", "", "waiting for the kernel to place the probe ..."]
    assert none == ["stacks of vfs_read, 1 s   q back", "", "waiting for a call of vfs_read ..."]
    assert some[1] == "5 hits" and "vfs_read" in some[2]
    assert back[0] == "stacks of vfs_read   back: waiting for the kernel to remove the probe ..."


def test_why_there_is_no_other_view_is_told_until_the_next_key(
    live: Callable[..., _Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = live("s", "enter")
    one.count(Context(), None)  # type: ignore[arg-type]

    def refuse(*_: object) -> None:
        raise NotFound("it is gone")

    monkeypatch.setattr(stacked, "stacks", refuse)
    assert one.drill(Context(), "stacks") == "count"  # type: ignore[arg-type]
    one._screen.shown.clear()  # type: ignore[attr-defined]
    one._screen.keys = ["s", "q"]  # type: ignore[attr-defined]
    one.count(Context(), None)  # type: ignore[arg-type]
    assert lasts(one)[0] == "no stacks of vfs_read: it is gone" and lasts(one)[1].startswith("q quit")
    one._chosen = "sched:sched_switch"
    assert one.drill(Context(), "latency") == "count"  # type: ignore[arg-type]
    assert one._told == "no latency of sched:sched_switch: it is an event, not a function"


def test_a_signal_quits_from_everywhere(live: Callable[..., _Live]) -> None:
    one = live("s", "l")
    context = Context()
    context.stop.received = 2
    assert one.count(context, None) == "quit"  # type: ignore[arg-type]
