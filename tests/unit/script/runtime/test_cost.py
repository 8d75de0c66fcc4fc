"""The costs of a run."""

from ktrace.script.runtime.cost import Cost
from tests.unit.script.scripts import FakeKernel, events, feed, start


def test_events_a_second_and_shares_of_a_core() -> None:
    times = {"clock": 5_000_000_000, "processor": 1_000_000_000}
    cost = Cost(lambda: times["clock"], lambda: times["processor"])
    cost.start()
    times["processor"] += 500_000_000  # reading
    cost.handling(lambda: times.update(processor=times["processor"] + 250_000_000))
    times["clock"] += 10_000_000_000
    cost.events = 12_345
    cost.start()  # a second start changes nothing
    assert cost.text() == (
        "handlers ran for 12345 events in 10.0 s, 1234 a second; "
        "ktrace used 7.5% of a core, its handlers 2.5%"
    )


def test_a_handler_that_fails_is_measured_too() -> None:
    times = [0]

    def fail() -> None:
        times[0] = 1_000_000_000
        raise ValueError

    cost = Cost(lambda: 2 * times[0], lambda: times[0])
    cost.start()
    try:
        cost.handling(fail)
    except ValueError:
        assert cost.text().endswith("its handlers 50.0%")
    else:
        raise AssertionError


def test_before_the_start() -> None:
    assert Cost().text().startswith("handlers ran for 0 events in ")


def test_events_are_counted_as_handlers_take_them() -> None:
    script = 'global n probe kernel.function("f"), kernel.function("g") { if (++n == 5) exit() }'
    ran = start(script, FakeKernel(("f", "g")))
    feed(ran, events("f", {"f0": range(3)}))
    assert ran.drive.cost.events == 3
    feed(ran, events("f", {"f0": range(3)}), events("g", {"f0": range(3)}, first=10))
    assert ran.drive.cost.events == 5  # the one that ended the script, and nothing after it
