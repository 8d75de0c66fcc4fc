"""The records that `ktrace report`, `trace-cmd report` and the kernel's `trace` show, as values to compare.

The three spell some things in their own way, whatever the event is: the tables of
docs/trace-cmd-differences.md list how. `alike` takes those spellings for the same; all else must be equal.
"""

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import dropwhile, zip_longest
from pathlib import Path

from ktrace.diagnostic import visible
from tests.unit.docs import print_fmt_page

PAGE = print_fmt_page.PAGE.with_name("trace-cmd-differences.md")
"""Lists what is different, and why."""

EXPLAINED = print_fmt_page.names("Events", page=PAGE)
BUILT = EXPLAINED | print_fmt_page.names("Other formats", page=PAGE)
CRASHING = print_fmt_page.names("Other formats", 1, PAGE)
"""Events that trace-cmd shows wrongly, also with values at random, and that end it; patterns of a shell."""

_HEAD = re.compile(
    r"(?:\S+: +)? *(?P<comm>.*?)-(?P<pid>\d+) +\[(?P<cpu>\d+)\] (?:(?P<flags>[^ \d]\S{3,4}) )? *"
    r"(?P<time>\d+\.\d+): (?P<rest>.*)",
    re.DOTALL,
)
_LOST = re.compile(r"(?:\S+: +)?CPU:\d+ \[|##### CPU \d+ buffer started ####")
_LATENCY = re.compile(r".*?-\d+ +\d+(?P<flags>[^\d\s]\S{3,6}) +\d+\.\d+: ")
_EVENT = re.compile(r"([\w.]+): ?(.*)", re.DOTALL)
_TOKEN = re.compile(r"\(nil\)|\w+|\S")
_ADDRESS = re.compile(r"[0-9a-f]{16}")
_MODULE = re.compile(r"(?<=\w) \[(?!ns\])\w+\]")
_PLACE = re.compile(r"\([\w.+/\[\] ]+(?: <- [\w.+/\[\] ]+)?\)")
_OTHER_PLACE = re.compile(r"\([0-9a-f]+(?: <- [0-9a-f]+)?\)")
_OF_EPROBE = re.compile(r"\A\([a-z_0-9]+\.[a-z_0-9]+\)(?= |\Z)")
_ARGUMENTS = re.compile(r"\A(\w[\w.]*)\(.*\) <-")
_USER = re.compile(r" <0*([0-9a-f]+)>")
_STACKS = ("<stack trace>", "<user stack trace>")
_OFFSET = re.compile(r"(\+0x[0-9a-f]+)/0x[0-9a-f]+")
_MASKED = re.compile(r"\b(?:0x)?[0-9a-f]{16}\b|\(\?\)")


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `event` is empty where the text begins without the event's name."""

    comm: str
    pid: int
    cpu: int
    flags: str
    time: str
    event: str
    body: str

    @property
    def head(self) -> tuple[object, ...]:
        """Return all but the event and its text."""
        return (self.comm, self.pid, self.cpu, self.flags, self.time)


def records(lines: Iterable[str], limit: int | None = None) -> list[Record]:
    """Return the records of a text in which a record may have several lines; only the first `limit`."""
    found: list[Record] = []
    more: list[str] = []

    def end() -> None:
        if more and found:
            found[-1] = replace(found[-1], body="\n".join((found[-1].body, *more)))
        more.clear()

    for line in lines:
        match = _HEAD.fullmatch(line)
        if match is None and _LOST.match(line):
            continue
        if match is None:
            assert found, line
            more.append(line)
            continue
        end()
        if len(found) == limit:
            break
        named = _EVENT.fullmatch(match["rest"])
        event, body = (named[1], named[2]) if named else ("", match["rest"])
        found.append(
            Record(
                match["comm"],
                int(match["pid"]),
                int(match["cpu"]),
                match["flags"] or "",
                match["time"],
                event,
                body,
            )
        )
    end()
    return found


def kernels(trace: Path, limit: int | None = None) -> list[Record]:
    """Return the records of the kernel's `trace`."""
    lines = trace.read_text(errors="surrogateescape").split("\n")[:-1]
    return records(dropwhile(lambda line: line.startswith("#"), lines), limit)


def trace_cmds(path: Path, limit: int | None = None) -> list[Record]:
    """Return the records of `trace-cmd report`, in the kernel's words as far as they are only other words."""
    plain = _trace_cmd(path)
    # The flags, which this trace-cmd prints in no other way; task and CPU are cut here.
    flags = [m["flags"] for line in _trace_cmd(path, "-l") if (m := _LATENCY.match(line))]
    found = records(plain, limit)
    assert len(found) == len(flags[:limit])
    return [_in_words_of_kernel(replace(r, flags=f)) for r, f in zip(found, flags[:limit], strict=True)]


def _trace_cmd(path: Path, *options: str) -> list[str]:
    # -N: the print fmts, not what its plugins print instead.
    done = subprocess.run(
        ["trace-cmd", "report", "-N", *options, "-i", path], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]
    return [line for line in lines if not line.startswith("cpus=")]


def _in_words_of_kernel(record: Record) -> Record:
    event, body = record.event, record.body.strip(" ")
    if event.startswith("sys_enter_"):
        body = re.sub(r"0x0*([0-9a-f]+)", r"\1", body)
        return replace(record, event="", body=f"sys_{event[10:]}({body})")
    if event.startswith("sys_exit_"):
        return replace(record, event="", body=f"sys_{event[9:]} -> {body}")
    match event:
        case "print" | "bprint" | "bputs":
            where, _, text = body.partition(": ")
            return replace(record, event=where, body=text)
        case "function":
            return replace(record, event="", body=body.replace(" <-- ", " <-"))
        case "kernel_stack" | "user_stack":
            return replace(record, event="", body=_stack(event, body))
        case "raw_data":
            number, _, first = body.removeprefix("id:").partition(" ")
            return replace(record, event="", body=f"# {int(number, 16):x} buf: {first}")
    return replace(record, body=body)


def _stack(event: str, body: str) -> str:
    title = "<user stack trace>" if event == "user_stack" else "<stack trace>"
    frames = [frame.strip().removeprefix("=> ") for frame in body.split("\n") if frame.strip()]
    return "\n".join([title, *(f" => {frame}" for frame in frames)])


def same_as_kernel(mine: Record, kernel: Record) -> bool:
    """Return whether a record is shown as the kernel shows it: addresses aside, which it scrambles."""
    if mine == kernel:
        return True
    short = len(kernel.flags) == 4  # a kernel without the column, which its recordings do not tell
    flags = mine.flags[:4] if short else mine.flags
    if kernel.comm == "<...>":  # it had not saved the name yet when it was asked
        mine = replace(mine, comm=kernel.comm)
    return (replace(mine, flags=flags).head, mine.event) == (kernel.head, kernel.event) and (
        _MASKED.sub("@", _escaped(mine.body)) == _MASKED.sub("@", _escaped(_recorded(kernel.body)))
    )


def _recorded(body: str) -> str:
    """Return the kernel's text without what is in no record and in no format.

    That is the event that an eprobe is on, and the names and types of a function's arguments.
    """
    return _ARGUMENTS.sub(r"\1 <-", _OF_EPROBE.sub("", body))


def _escaped(body: str) -> str:
    """Escape as `ktrace report` escapes values; what is in a print fmt it does not."""
    return "\n".join(map(visible, body.split("\n"))) if body.startswith(_STACKS) else visible(body)


def alike(mine: Record, other: Record) -> bool:
    """Return whether both programs show the same, but for what trace-cmd always spells in its own way."""
    if mine == other:
        return True
    if replace(mine, flags="").head != replace(other, flags="").head or mine.event != other.event:
        return False
    # trace-cmd prints five columns, also of a kernel that has four.
    flags = zip(mine.flags, other.flags[: max(len(mine.flags), 4)], strict=True)
    if not all(a == b or (a + b) in _FLAGS[i] for i, (a, b) in enumerate(flags)):
        return False
    return _FAILED in other.body or _alike(_escaped(mine.body), _escaped(other.body))


_FLAGS = (("Dd", "b.", ".X", "bX"), ("nN", "BN", "lN", "l."), (), (), ())
"""By column, a flag of the kernel and what trace-cmd shows for it: it knows those of older kernels."""

_FAILED = "[FAILED TO PARSE]"


def _alike(mine: str, other: str) -> bool:
    if mine.startswith("# ") and " buf:" in mine:  # trace-cmd shows the first byte
        start, _, data = mine.partition(" buf:")
        if not data.strip():  # or, where there is none, one that follows the record
            return other.startswith(f"{start} buf: ")
        return other == f"{start} buf: {int(data.split()[0], 16):08x}"
    if mine.startswith(_STACKS):
        return _same_frames(mine, other)
    if _PLACE.match(mine) and (place := _OTHER_PLACE.match(other)):
        mine, other = _PLACE.sub("", mine), other[place.end() :]
    mine = _OFFSET.sub(r"\1", mine.replace("(null)", "0x0")).removesuffix("\\n")
    other = other.removesuffix("\\n")
    return any(_same_words(text, other) for text in (mine, _MODULE.sub("", mine)))


def _same_words(mine: str, other: str) -> bool:
    a, b = _TOKEN.findall(mine), _TOKEN.findall(other)
    if mine.startswith("sys_"):  # newer kernels put 0x before numbers
        a, b = ([word.removeprefix("0x") for word in words] for words in (a, b))
    return len(a) == len(b) and all(x == y or _same_word(x, y) for x, y in zip(a, b, strict=True))


def _same_word(mine: str, other: str) -> bool:
    if _ADDRESS.fullmatch(mine):
        return other == (f"0x{int(mine, 16):x}" if int(mine, 16) else "(nil)")
    return mine == f"0x{other}"  # %#x of 0, and %s of an address at which there is no known text


_TRAMPOLINE = ("[FTRACE TRAMPOLINE]", "0x7fffffff")
_RETURNS = ("[unknown/kretprobe'd]", "kretprobe_trampoline")


def _same_frames(mine: str, other: str) -> bool:
    """Compare stacks: trace-cmd prints eight frames, with zeros after the last one."""
    a = [_USER.sub(r"0x\1", frame).replace(*_TRAMPOLINE).replace(*_RETURNS) for frame in mine.split("\n")]
    b = other.split("\n")
    while b[-1] == " => 0x0":
        b.pop()
    # The symbol of kallsyms for ftrace's trampolines, which some kernels do not print.
    b = [
        x if y == " => ftrace_trampoline" and (x or "").startswith(" => 0x") else y
        for x, y in zip_longest(a, b)
        if y
    ]
    return [_MODULE.sub("", frame) for frame in a[: len(b)]] == b and (len(a) == len(b) or len(b) >= 9)


def explains(explained: Set[str], record: Record) -> bool:
    """Return whether a record's event is one of those that are listed."""
    return any(fnmatchcase(named(record), name) for name in explained)


def named(record: Record) -> str:
    """Return the event's name, or of a system call `sys_NAME`."""
    return record.event or record.body.partition("(")[0].partition(" ")[0]


def counted(found: Sequence[Record]) -> Counter[str]:
    """Return how often each event was recorded."""
    return Counter(map(named, found))
