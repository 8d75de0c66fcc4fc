"""Stacks of a stream as folded stacks and flame graphs."""

import io
import json

import numpy as np

from ktrace.model.batch import Batch, Chunk, Lost, Stack
from ktrace.model.column import Strings
from ktrace.output.formats.stack_graph import ENTRY, EXIT, Form, StackGraph


def stack(seq, *frames, user=False, pid=7, ts=1):
    return Stack(seq, ts, 0, pid, "x", user, frames)


def calls(event, rows):
    """Rows of (seq, pid, ts, depth, function, duration)."""
    seq, pid, ts, depth, func, duration = zip(*rows, strict=True)
    none = Strings.of([""] * len(rows))
    columns = {"depth": np.array(depth)}
    if func[0] is not None:
        columns["func"] = Strings.of(func)
    if duration[0] is not None:
        columns["duration"] = np.array(duration)
    return Batch(event, "fields", np.array(seq), np.array(ts), np.zeros(len(rows), np.int32),
                 np.array(pid, np.int32), None, none, none, columns)  # fmt: skip


def folded(*chunks):
    out = io.BytesIO()
    sink = StackGraph(out, Form.FOLD)
    for chunk in chunks:
        sink.write(chunk)
    sink.close()
    return out.getvalue().decode().splitlines()


def test_stacks_are_counted_outermost_first():
    assert folded(Chunk((), (stack(0, "b", "a"), stack(1, "b", "a"), stack(2, "c", "a")))) == [
        "a;b 2",
        "a;c 1",
    ]


def test_the_kernels_stack_ends_that_of_the_program():
    marks = (stack(0, "k2", "k1"), stack(1, "u2", "u1", user=True), stack(2, "k2", "k1"))
    assert folded(Chunk((), marks[:1]), Chunk((), marks[1:])) == ["k1;k2 1", "u1;u2;k1;k2 1"]


def test_stacks_of_other_tasks_are_not_joined():
    assert folded(Chunk((), (stack(0, "k"), stack(1, "u", user=True, pid=8)))) == ["k 1", "u 1"]


def test_calls_count_the_time_of_their_own():
    entries = calls(ENTRY, [(0, 7, 0, 0, "f", None), (1, 7, 10, 1, "g", None), (4, 8, 10, 0, "f", None)])
    exits = calls(EXIT, [(2, 7, 40, 1, "g", 30), (3, 7, 100, 0, "f", 100), (5, 8, 15, 0, "f", 5)])
    assert folded(Chunk((entries, exits))) == ["f 75", "f;g 30"]


def test_calls_without_durations_or_names_at_their_end():
    entries = calls(ENTRY, [(0, 7, 0, 0, "f", None), (1, 7, 10, 1, "g", None)])
    exits = calls(EXIT, [(2, 7, 40, 1, None, None), (3, 7, 100, 0, None, None)])
    assert folded(Chunk((entries, exits))) == ["f 70", "f;g 30"]


def test_an_end_without_a_begin_and_a_loss():
    entries = calls(ENTRY, [(0, 7, 0, 0, "f", None)])
    exits = calls(EXIT, [(2, 7, 40, 1, "g", 30)])
    assert folded(Chunk((entries, exits), (Lost(1, 0, 5),))) == ["?;g 30"]


def test_an_empty_stream_is_still_a_graph():
    out = io.BytesIO()
    StackGraph(out, Form.SVG).close()
    assert b"0 hits" in out.getvalue()


def test_a_profile_for_speedscope():
    out = io.BytesIO()
    sink = StackGraph(out, Form.SPEEDSCOPE)
    sink.write(Chunk((), (stack(0, "b", "a"), stack(1, "b", "a"))))
    sink.close()
    document = json.loads(out.getvalue())
    assert [frame["name"] for frame in document["shared"]["frames"]] == ["a", "b"]
    profile = document["profiles"][0]
    assert (profile["samples"], profile["weights"], profile["unit"]) == ([[0, 1]], [2], "none")
