"""Slow calls, one by one: the few events that are recorded beside what is counted."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from ktrace.aggregate.frames import without_own
from ktrace.aggregate.latency import LATENCY
from ktrace.model.plan import Step
from ktrace.model.slow import Slow
from ktrace.session.session import Session
from ktrace.tracefs.events import enable_step, filter_step
from ktrace.tracefs.pipe import TextPipe

Emit = Callable[[Slow], None]

_HEAD = re.compile(
    r"\s*(?P<comm>.*)-(?P<pid>\d+)\s+(?:\(\s*[-\d]+\)\s+)?\[(?P<cpu>\d+)\]\s+\S+\s+(?P<s>\d+)\.(?P<us>\d+): "
    r"(?P<body>.*)\Z"
)


class SlowCalls:
    """Records those synthetic events that took long, with their stacks.

    Args:
        event: `synthetic/NAME`.
        fields: what is shown of it, and the event's field for it.
    """

    look_s = 0.1

    def __init__(
        self, session: Session, event: str, fields: Sequence[tuple[str, str]], above_ns: int, emit: Emit
    ) -> None:
        self._session = session
        self._event = event
        self._fields = fields
        self._condition = f"{LATENCY} >= {above_ns}"
        self._emit = emit
        self._pipe: TextPipe | None = None
        self._rest = ""
        self._open: dict[int, Slow] = {}
        names = (LATENCY, *(field for _, field in fields))
        self._body = re.compile(" ?".join(rf"{name}=(.*?),?" for name in names) + r"(?: v\d+=.*)?\Z")

    def arm(self) -> None:
        """Begin to record."""
        text = f"stacktrace if {self._condition}"
        path = f"events/{self._event}/trigger"
        undo = Step(path, "!stacktrace", "no more stacks")
        self._pipe = self._session.read_text()
        self._session.do_here(filter_step(self._event, self._condition))
        self._session.do_here(Step(path, text, "a stack of each slow call", undo))
        self._session.do_here(enable_step(self._event))

    def pump(self) -> None:
        """Hand on what was recorded. The stack of a call follows it."""
        assert self._pipe is not None
        while data := self._pipe.read():
            text = self._rest + data.decode("utf-8", "surrogateescape")
            *lines, self._rest = text.split("\n")
            for line in lines:
                self._line(line)
        for pid in list(self._open):
            self._finish(pid)

    def _line(self, line: str) -> None:
        if line.startswith(" => "):
            self._frame(line[4:])
            return
        head = _HEAD.match(line)
        if head is None:
            return
        pid = int(head["pid"])
        name, _, body = head["body"].partition(": ")
        if name == self._event.partition("/")[2]:
            self._finish(pid)
            self._open[pid] = self._slow(head, body)
        elif name.startswith("<stack trace>"):
            self._last = pid

    _last = -1

    def _frame(self, frame: str) -> None:
        slow = self._open.get(self._last)
        if slow is not None:
            slow.frames.append(frame)

    def _finish(self, pid: int) -> None:
        slow = self._open.pop(pid, None)
        if slow is not None:
            self._emit(replace(slow, frames=list(without_own(tuple(slow.frames)))))

    def _slow(self, head: re.Match[str], body: str) -> Slow:
        ts = int(head["s"]) * 10**9 + int(head["us"].ljust(9, "0")[:9])
        values = self._body.match(body)
        texts = values.groups() if values else ()
        args = {shown: _value(text) for (shown, _), text in zip(self._fields, texts[1:], strict=False)}
        return Slow(
            ts, int(head["cpu"]), int(head["pid"]), head["comm"].strip(), int(texts[0]) if texts else 0, args
        )


def _value(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?\d+", text) else text
