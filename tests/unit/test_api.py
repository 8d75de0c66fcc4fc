"""The package's own names."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import ktrace
from ktrace.model.meaning import Meaning
from tests.unit.stream import recorded

METHODS = ["add", "close", "filter", "only_cpus", "only_tasks", "stream", "trace_event"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ktrace.__all__)
def test_each_name_is_there(name):
    assert getattr(ktrace, name) is not None
    assert name in dir(ktrace)


def test_no_other_name_is_there():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ktrace.nothing


def test_dir_is_what_is_public():
    """Also after other modules were imported, which become attributes of the package."""
    assert dir(ktrace) == sorted(ktrace.__all__)
    names = [name for name in dir(ktrace.Session()) if not name.startswith("__")]
    assert names == sorted([*METHODS, "events", "lost", "unread"])
    assert [name for name in dir(ktrace.Session) if name in METHODS] == METHODS


def test_a_session_that_is_not_open():
    session = ktrace.Session(buffer_kb=64)
    assert repr(session) == "<ktrace.Session: not open>"
    assert (session.events, session.lost, session.unread) == ((), 0, 0)
    calls = [
        lambda: session.add("vfs_read"),
        lambda: session.trace_event("sched:sched_switch"),
        lambda: session.filter("1"),
        lambda: session.only_tasks([1]),
        lambda: session.only_cpus([0]),
        session.stream,
    ]
    for call in calls:
        with pytest.raises(ktrace.UsageError, match="not open"):
            call()
    session.close()


class Inner:
    """A stand-in for the session that `ktrace.Session` holds."""

    events, name, closed, unread = ("g/one",), "ktrace_1_1", False, 0

    def __init__(self, lost=3, **_options):
        self.calls = []
        self._lost = lost

    @property
    def lost(self):
        if isinstance(self._lost, BaseException):
            raise self._lost
        return self._lost

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.calls.append("undone")


@pytest.fixture
def opened(monkeypatch):
    """A session whose stream counts from 0; its calls are noted in the inner one."""
    inner = Inner()

    def batches(_session, **_options):
        try:
            yield from range(1000)
        finally:
            inner.calls.append("stream ended")

    monkeypatch.setattr("ktrace.api.session.Session", lambda **_options: inner)
    monkeypatch.setattr("ktrace.api.batches", batches)
    return ktrace.Session(), inner


def test_the_end_of_a_session_ends_its_loop_first(opened):
    session, inner = opened
    seen = []
    with session:
        for number in session.stream():
            seen.append(number)
            session.close()
    assert seen == [0]
    assert inner.calls == ["stream ended", "undone"]


def test_a_stream_that_is_kept_ends_with_the_session(opened):
    session, inner = opened
    with session:
        stream = session.stream()
        assert next(stream) == 0
    assert list(stream) == []
    assert inner.calls == ["stream ended", "undone"]
    assert (session.events, session.lost) == (("g/one",), 3)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError()])
def test_everything_is_undone_even_if_the_last_counts_cannot_be_read(opened, error):
    session, inner = opened
    inner._lost = error
    with pytest.raises(type(error)), session:
        pass
    assert inner.calls == ["undone"]


def test_reading_no_file():
    with pytest.raises(ktrace.UsageError, match="at least one file"):
        list(ktrace.read())


def test_a_path_is_a_path(tmp_path):
    path = Path(recorded.write(tmp_path / "a.dat"))
    assert sum(map(len, ktrace.read(path))) == sum(map(len, ktrace.read(str(path)))) == 160


def test_importing_loads_nothing():
    code = "import sys; old = set(sys.modules); import ktrace; dir(ktrace); print(*(set(sys.modules) - old))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    tops = {name.split(".")[0] for name in done.stdout.split()} - set(sys.stdlib_module_names)
    assert tops == {"ktrace"} and "ktrace.errors" not in done.stdout.split()


def test_read(tmp_path):
    path = recorded.write(tmp_path / "a.dat")
    batches = list(ktrace.read(path))
    assert sum(map(len, batches)) == 160
    hits = list(ktrace.read(path, events=["hit"]))
    assert {batch.event for batch in hits} == {"hit"}
    assert sum(int(batch["n"].sum()) for batch in hits) == sum(n for n in range(160) if n // 2 % 2)


def test_read_in_no_order(tmp_path):
    path = recorded.write(tmp_path / "a.dat")

    def rows(ordered):
        for batch in ktrace.read(path, ordered=ordered):
            values = (batch.columns[name] for name in batch.columns)
            heads = (batch.ts.tolist(), batch.cpu.tolist(), batch.pid.tolist(), list(batch.comm))
            assert ordered or len(set(heads[1])) == 1
            yield from zip([batch.event] * len(batch), *heads, *map(list, values), strict=True)

    assert sorted(map(str, rows(ordered=False))) == sorted(map(str, rows(ordered=True)))


def test_sql(tmp_path):
    pytest.importorskip("polars")
    frame = ktrace.sql(recorded.write(tmp_path / "a.dat"), "select sum(n) as n from hit")
    assert frame["n"].to_list() == [sum(n for n in range(160) if n // 2 % 2)]


def test_filters_take_the_values_that_are_printed(monkeypatch):
    written = []
    inner = SimpleNamespace(
        events=["g/mine", "sock/state"],
        kernel=None,
        filter=lambda expression, events: written.append((expression, events)),
    )
    names = {"ret": Meaning("enum", ((7, "TCP_CLOSE"),))}
    monkeypatch.setattr("ktrace.api.values_of_event", lambda event, _kernel: names)
    session = ktrace.Session()
    monkeypatch.setattr(session, "_inner", inner)
    session._values["g/mine"] = {"ret": Meaning("errno")}
    session.filter("ret == 1")
    session._values["sock/state"] = {"ret": Meaning("errno")}
    session.filter("ret == ENOENT")
    del session._values["sock/state"], inner.events[0]
    session.filter("ret == TCP_CLOSE")
    assert written == [
        *[("ret == 1", [event]) for event in ("g/mine", "sock/state")],
        *[("ret == -2", [event]) for event in ("g/mine", "sock/state")],
        ("ret == 7", ["sock/state"]),
    ]
