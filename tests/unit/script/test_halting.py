"""A script is asked to end while handlers run: events that no handler has seen are counted."""

from contextlib import contextmanager

import pytest

from ktrace.errors import Interrupted, OutOfTime
from tests.unit.script.scripts import FakeKernel, events, feed, start

ONE = 'probe kernel.function("f") { n++; tolower("x") } global n probe end { printf("%d\\n", n) }'
TWO = ONE + ' probe kernel.function("g") { n += 100 }'


def calling(ran, does) -> None:
    """Have a function of the library do something else, while a handler runs."""
    ran.drive.program.names["b_tolower"] = does


def halting(ran, calls: int) -> None:
    """Have the script told to end while the handler of that event runs."""
    seen = []

    def tolower(_: str) -> str:
        seen.append(1)
        if len(seen) == calls:
            ran.drive.halt()
        return ""

    calling(ran, tolower)


@pytest.mark.parametrize(("script", "left"), [(ONE, 7), (TWO, 8)], ids=["one handler", "in order"])
def test_events_that_no_handler_has_seen_are_counted(script: str, left: int) -> None:
    ran = start(script, FakeKernel(("f", "g")))
    halting(ran, 3)
    batches = [events("f", {"f0": range(10)})]
    if script is TWO:
        batches.append(events("g", {"f0": [1]}, first=20))
    feed(ran, *batches)
    assert ran.drive.done and ran.drive.unhandled == left and not ran.drive.held_up
    assert ran.drive.cost.events == sum(len(batch) for batch in batches) - left
    feed(ran, events("f", {"f0": range(5)}))
    assert ran.drive.unhandled == left + 5
    ran.drive.end()
    assert ran.text == "3\n", "probes of the end still run"


def test_what_exit_leaves_is_not_unhandled() -> None:
    ran = start('probe kernel.function("f") { if (++n == 2) exit() } global n', FakeKernel(("f", "g")))
    feed(ran, events("f", {"f0": range(10)}))
    assert ran.drive.done and ran.drive.unhandled == 0


def held_up(_: str) -> str:
    raise OutOfTime(0)  # as the alarm does, wherever the handler is


def test_a_handler_that_does_not_return_is_left() -> None:
    ran = start(ONE, FakeKernel(("f", "g")))
    entered = []

    @contextmanager
    def patience():
        entered.append(1)
        yield

    ran.drive.patience = patience
    calling(ran, held_up)
    feed(ran, events("f", {"f0": range(10)}))
    assert entered and ran.drive.held_up and ran.drive.done and ran.drive.unhandled == 9
    ran.drive.end()
    assert ran.text == "1\n"


def test_an_end_probe_that_does_not_return_is_left_and_others_run() -> None:
    ran = start('probe end { tolower("x") println("a") } probe end { println("b") }')
    calling(ran, held_up)
    ran.drive.end()
    assert ran.text == "b\n" and ran.drive.held_up


def test_an_output_that_takes_no_more_ends_it() -> None:
    ran = start('probe kernel.function("f") { println("x") }', FakeKernel(("f", "g")))

    def write(_data: bytes) -> None:
        raise Interrupted(2)

    ran.drive.write = write
    ended = []
    ran.drive.on_end = lambda: ended.append(1)
    feed(ran, events("f", {"f0": range(3)}))
    assert ran.drive.given_up and ran.drive.done and not ran.drive.held_up


def test_the_end_is_told_before_the_last_output_is_written() -> None:
    """So that an output that nobody takes is bounded then, too."""
    ran = start('probe kernel.function("f") { println("x") exit() }', FakeKernel(("f", "g")))
    order = []
    ran.drive.on_end = lambda: order.append("end")
    ran.drive.write = lambda _: order.append("write")
    feed(ran, events("f", {"f0": [1]}))
    assert order == ["end", "write"]
