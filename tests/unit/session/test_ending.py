import pytest

from ktrace.errors import UsageError
from ktrace.session.ending import READING, VARIABLE, Ending, grace_s


def test_the_time_begins_with_the_end(monkeypatch):
    monkeypatch.setenv(VARIABLE, "10")
    now = 5.0
    ending = Ending(clock=lambda: now)
    assert ending.at is None and ending.reading_until is None and not ending.overdue
    ending.end()
    assert ending.reading_until == 5 + 10 * READING and not ending.overdue
    now = 7.9
    ending.end()  # a second end changes nothing
    assert not ending.overdue
    now = 8.0
    assert ending.overdue


def test_what_the_time_is(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert grace_s() == 2
    for text, seconds in (("", 2), ("60", 60), ("0.5", 0.5)):
        monkeypatch.setenv(VARIABLE, text)
        assert grace_s() == seconds


@pytest.mark.parametrize("text", ["x", "-1", "0", "nan", "inf", "1e300"])
def test_what_it_cannot_be(monkeypatch, text):
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(UsageError, match=VARIABLE):
        grace_s()
