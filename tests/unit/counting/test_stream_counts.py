"""Counting what streams by, from a real pipe in place of trace_pipe."""

import os

import pytest

from ktrace.aggregate.columns import ColumnCounter, KeyColumn
from ktrace.counting.count import no_hist_triggers
from ktrace.counting.stream_counts import StreamTally
from ktrace.errors import Unavailable
from ktrace.host.local import LocalHost
from ktrace.model.format import Arg, Signature
from ktrace.model.tally import Row
from ktrace.tracefs.files import Files
from ktrace.tracefs.pipe import TextPipe
from ktrace.tracefs.stats import CpuStats

LINE = b"            bash-7       [000] d..1.     3.125954: kp: (vfs_read+0x4/0x370) x=5\n"


class Session:
    """A stand-in for a session, with what a stream needs."""

    def __init__(self, root: str, text: bytes, rest: bytes) -> None:
        self.root, self.text, self.rest = root, text, rest
        self.host = LocalHost()
        self.done: list[object] = []
        self.with_stacks: set[str] = set()

    def trace_event(self, event, *, stack=False):
        self.done.append((event, stack))

    def filter(self, expression, _events):
        self.done.append(expression)

    def signatures(self):
        return {"kp": [Signature("kp", (Arg("x", "dec"),))]}

    def saved_names(self):
        return ""

    def start(self):
        os.mkfifo(f"{self.root}/trace_pipe")
        pipe = TextPipe(Files(LocalHost(), self.root))
        self.writer = os.open(f"{self.root}/trace_pipe", os.O_WRONLY)
        os.write(self.writer, self.text)
        return pipe

    def stop(self):
        os.write(self.writer, self.rest)
        os.close(self.writer)

    def stats(self):
        return [CpuStats(0, 10, 4, 0, 0, 6)]


def test_what_comes_and_what_is_left_at_the_end(tmp_path) -> None:
    session = Session(str(tmp_path), LINE + LINE + LINE[:30], LINE[30:])
    counter = ColumnCounter(("function", "x"), {"kp": ("f", [KeyColumn(".x")])})
    source = StreamTally(session, counter, {"g/kp": "x > 3"}, stack=True, text=True)  # type: ignore[arg-type]
    source.arm()
    assert session.done == [("g/kp", True), "x > 3"]
    source.poll()
    assert 1 <= source.read().count <= 2  # the last whole line may go on, for all that is known yet
    source.stop(lambda: False)
    assert source.read().rows == (Row(("f", 5), 3),)
    assert source.lost == 4 and source.untimed is None and source.look_s < 0.25


def test_why_nothing_can_be_counted_in_the_kernel() -> None:
    with pytest.raises(Unavailable, match="no hist triggers") as caught:
        raise no_hist_triggers()
    assert "--in-kernel" in (caught.value.hint or "")
