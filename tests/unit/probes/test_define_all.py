import pytest

from ktrace.errors import Busy, Interrupted, KtraceError, NotFound, Refused, Unavailable, UsageError
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.probes.define import Defined
from ktrace.probes.define_all import Definitions, define_all
from ktrace.resolve.spec import ProbeSpec


def spec(name, *, one_of_many=False, notes=()):
    return ProbeSpec(Probe("p", "g", name, SymbolPlace(name)), one_of_many=one_of_many, notes=notes)


ONE, TWO, THREE = spec("one"), spec("two"), spec("three")
MANY = [spec(name, one_of_many=True) for name in "abc"]


def refusing(errors, asked=None):
    """Define every probe except those named in `errors`."""

    def define(probe, move):
        if probe.name in errors:
            raise errors[probe.name]
        return Defined(probe, requested=asked)

    return define


def names(pairs):
    return [one.probe.name for one, _ in pairs]


def test_all_are_defined_in_order():
    outcome = define_all([ONE, TWO, THREE], refusing({}))
    assert names(outcome.done) == ["one", "two", "three"]
    assert (outcome.refused, outcome.summary) == ([], None)
    outcome.raise_if_none()


def test_nothing_to_define():
    outcome = define_all([], refusing({}))
    assert outcome == Definitions()
    outcome.raise_if_none()


def test_a_probe_asked_for_by_name_ends_the_work():
    outcome = Definitions()
    with pytest.raises(NotFound):
        define_all([ONE, TWO, THREE], refusing({"two": NotFound("no two")}), outcome=outcome)
    assert names(outcome.done) == ["one"] and names(outcome.refused) == ["two"]


def test_the_caller_may_take_it():
    taken = []
    error = Refused("no two")
    outcome = define_all([ONE, TWO, THREE], refusing({"two": error}), refuse=taken.append)
    assert names(outcome.done) == ["one", "three"]
    assert taken == [error] and outcome.refused == [(TWO, error)]
    assert outcome.summary is None  # that is for wildcards


@pytest.mark.parametrize("kind", [UsageError, Refused, NotFound, Busy])
def test_functions_of_a_wildcard_may_be_refused(kind):
    outcome = define_all(MANY, refusing({"a": kind("not a"), "c": kind("not c")}))
    assert names(outcome.done) == ["b"]
    assert outcome.summary == "2 of 3 functions were refused; the first: not a"
    outcome.raise_if_none()


def test_an_error_that_would_meet_every_probe_ends_the_work():
    with pytest.raises(Unavailable):
        define_all(MANY, refusing({"a": Unavailable("locked down")}))


def test_all_of_a_wildcard_are_refused():
    outcome = define_all(MANY, refusing({name: Refused(f"not {name}") for name in "abc"}))
    with pytest.raises(Refused, match="not a"):
        outcome.raise_if_none()


def test_a_wildcard_next_to_a_name():
    errors = {name: Refused(f"not {name}") for name in "abc"}
    outcome = define_all([*MANY, ONE], refusing(errors))
    outcome.raise_if_none()
    assert names(outcome.done) == ["one"]
    assert outcome.summary == "3 of 4 functions were refused; the first: not a"


def test_a_refusal_of_a_wildcard_is_not_handed_to_the_caller():
    taken = []
    define_all(MANY, refusing({"b": Refused("not b")}), refuse=taken.append)
    assert taken == []


def test_what_comes_before_each_ends_the_work():
    calls = []

    def before():
        calls.append(None)
        if len(calls) == 2:
            raise Interrupted(2)

    outcome = Definitions()
    with pytest.raises(Interrupted):
        define_all([ONE, TWO, THREE], refusing({}), before=before, outcome=outcome, refuse=lambda error: None)
    assert names(outcome.done) == ["one"] and outcome.refused == []


def test_notes_come_with_their_probe():
    told = []
    define_all([spec("one", notes=("first", "second")), TWO], refusing({}, asked="old"), note=told.append)
    assert told == [
        "first",
        "second",
        "old is one in this kernel: g/one probes one",
        "old is two in this kernel: g/two probes two",
    ]


def test_each_is_rebuilt_by_its_own_rule_for_its_functions_present_name():
    def again(probe, symbol):
        return Probe("r", "g", "other", SymbolPlace(symbol))

    moved = []

    def define(probe, move):
        moved.append(move(probe, "new"))
        return Defined(probe)

    define_all([ProbeSpec(ONE.probe, relocate=again), TWO], define)
    assert [probe.to_line() for probe in moved] == ["r:g/one new", "p:g/two new"]


def test_errors_of_ktrace_itself_are_not_swallowed():
    def define(probe, move):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        define_all(MANY, define, refuse=lambda error: None)
    assert not issubclass(ZeroDivisionError, KtraceError)
