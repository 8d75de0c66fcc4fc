"""Lines of the kernel's tracers, which do not begin with an event's name: kernel/trace/trace_output.c.

The named groups of a pattern are those fields of the event's format that the text has.
"""

import re

_FUNC = rb"[^\s:(]{1,512}(?: \[[^\]\n]{1,64}\])?"
_ADDRESS = rb"(?: <[0-9a-f]{1,16}>)?"  # option sym-addr
_BEFORE = rb" {0,8}(?P<prev_pid>\d{1,10}): {0,3}(?P<prev_prio>\d{1,3}):(?P<prev_state>\S)"
_AFTER = (
    rb" \[(?P<next_cpu>\d{1,7})\] {0,8}(?P<next_pid>\d{1,10}): {0,3}(?P<next_prio>\d{1,3}):"
    rb"(?P<next_state>\S) (?P<next_comm>[^\n]{0,16})\Z"
)


def _blk(actions: bytes, rest: bytes) -> re.Pattern[bytes]:
    return re.compile(
        rb" {0,2}(?P<dev>\d{1,4},\d{1,8}) {1,3}"
        rb"(?:(?P<cgroup>/\S{0,256}|[0-9a-f]{1,16},[0-9a-f]{1,16}|<\.\.\.>) {1,2})?"
        rb" {0,2}(?P<action>" + actions + rb") {1,3}(?P<rwbs>[A-Z]{1,8}) (?:" + rest + rb")\Z"
    )


_SECTOR = rb"(?P<sector>\d{1,20})"
_LENGTH = _SECTOR + rb" \+ (?P<nr_sector>\d{1,10})"
_COMMAND = rb"\((?P<cmd>[0-9a-f. ]{0,512})\) "
_COMM = rb"\[(?P<comm>[^\n]{0,16})\]"
_BLK = (
    _blk(rb"m|message", rb"(?P<msg>[^\n]*)"),
    _blk(
        rb"[CR]|complete|requeue",
        rb"(?:"
        + _LENGTH.replace(rb" \+", rb"(?: \+")
        + rb")? |"
        + _COMMAND
        + rb")?\[(?P<error>-?\d{1,10})\]",
    ),
    _blk(rb"A|remap", _LENGTH + rb" <- \((?P<old_dev>\d{1,4},\d{1,8})\) (?P<old_sector>\d{1,20})"),
    _blk(rb"UT?|unplug|unplug_io", _COMM + rb" (?P<nr_rq>\d{1,20})"),
    _blk(rb"X|split", _SECTOR + rb" / (?P<new_sector>\d{1,20}) " + _COMM),
    _blk(
        rb"[QMFGSDPIB]|queue|backmerge|frontmerge|getrq|sleeprq|issue|plug|insert|bounce",
        rb"(?:" + _LENGTH + rb" |(?P<bytes>\d{1,10}) " + _COMMAND + rb")?" + _COMM,
    ),
)
"""The tracer blk, by what follows its actions: kernel/trace/blktrace.c, "what2act"."""

_PATTERNS = {
    # The arguments are those of the option func-args.
    "function": re.compile(
        rb"(?P<ip>" + _FUNC + rb")" + _ADDRESS + rb"(?:\((?P<args>.*)\))? <--? ?"
        rb"(?P<parent_ip>" + _FUNC + rb")" + _ADDRESS + rb"\Z"
    ),
    "func_repeats": re.compile(
        rb"(?P<ip>" + _FUNC + rb")" + _ADDRESS + rb" <-(?P<parent_ip>" + _FUNC + rb")" + _ADDRESS
        + rb" \(repeats: (?P<count>\d{1,10}), last_ts: {0,8}[\d.]{1,30}\)\Z"
    ),
    "context_switch": re.compile(_BEFORE + rb" {1,3}==>" + _AFTER),
    "wakeup": re.compile(_BEFORE + rb" {1,3}\+" + _AFTER),
    "hwlat": re.compile(
        rb"#(?P<seqnum>\d{1,10}) {1,8}inner/outer\(us\): {1,8}(?P<duration>\d{1,20})/"
        rb"(?P<outer_duration>\d{1,20}) {1,8}ts:(?P<tv_sec>\d{1,19})\.(?P<tv_nsec>\d{9})"
        rb"(?: count:(?P<count>\d{1,10}))?(?: nmi-total:(?P<nmi_total_ts>\d{1,20}))?"
        rb"(?: nmi-count:(?P<nmi_count>\d{1,10}))?\Z"
    ),
    "osnoise": re.compile(
        rb"(?P<runtime>\d{1,20}) {1,12}(?P<noise>\d{1,20}) {1,4}\d{1,3}\.\d{5} {1,8}"
        rb"(?P<max_sample>\d{1,20}) {1,8}(?P<hw_count>\d{1,10}) {1,8}(?P<nmi_count>\d{1,10}) {1,8}"
        rb"(?P<irq_count>\d{1,10}) {1,8}(?P<softirq_count>\d{1,10}) {1,8}(?P<thread_count>\d{1,10})\Z"
    ),
    "timerlat": re.compile(
        rb"#(?P<seqnum>\d{1,10}) {1,8}context {1,8}(?P<context>\S{1,16}) timer_latency {1,12}"
        rb"(?P<timer_latency>\d{1,20}) ns\Z"
    ),
    "branch": re.compile(
        rb"\[ {1,3}(?:ok|MISS) {1,3}\] (?P<func>[^\s:]{1,512}):(?P<file>[^\s:]{1,512}):(?P<line>\d{1,10})\Z"
    ),
}  # fmt: skip

_FUNCTION = _PATTERNS["function"]  # lines of this tracer are the most by far
_ALL = {**{event: (pattern,) for event, pattern in _PATTERNS.items()}, "blk": _BLK}
_OTHERS = [(event, one) for event, patterns in _ALL.items() if event != "function" for one in patterns]
_OF_TEXT = {
    event: [re.compile(one.pattern.decode(), re.ASCII) for one in patterns]
    for event, patterns in _ALL.items()
}

TRACERS = frozenset(_ALL)


def tracer_of(body: bytes) -> str | None:
    """Return the event of a body that a tracer printed; None if none did."""
    if _FUNCTION.match(body):
        return "function"
    return next((event for event, pattern in _OTHERS if pattern.match(body)), None)


def tracer_fields(event: str, body: str) -> dict[str, str] | None:
    """Return the fields of a tracer's text as they are spelled; None if it has another form."""
    match = next(filter(None, (pattern.match(body) for pattern in _OF_TEXT[event])), None)
    return None if match is None else {k: text for k, text in match.groupdict().items() if text is not None}
