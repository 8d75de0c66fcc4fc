"""The commands that are killed: each that writes to the kernel, with what it needs and what takes it back."""

from dataclasses import dataclass

GROUP = "killed"
"""The beginning of the groups of probes that the commands for permanent probes use."""

_ALL = f"{GROUP}*/*"
# Of two groups: each is switched by one write.
_SOME = (
    ("kprobe_events", f"p:{GROUP}/one vfs_open"),
    ("kprobe_events", f"p:{GROUP}/two vfs_statfs"),
    ("kprobe_events", f"p:{GROUP}_too/three vfs_link"),
)
_SOME_ON = (*_SOME, (f"events/{GROUP}/enable", "1"), (f"events/{GROUP}_too/enable", "1"))
_STAYING = (("disable", _ALL, "--triggers"), ("remove", _ALL))
_SHORT = ("-d", "0.2")


@dataclass(frozen=True, slots=True)
class Victim:
    """One command.

    Attributes:
        argv: the words; `FILE` stands for a file in an empty directory.
        writes: how many it makes, undoing included: a kill is placed at one of them. It need not be exact.
        setup: lines that are written before, as (file, line).
        back: for a command whose work stays, the commands that take it back; empty for a session.
        partly: whether an interrupted one leaves what it has finished, since that cannot be taken back.
        terminal: whether it needs one.
        slow: whether it takes long on an emulated machine: killed only where many are.
        failures: statuses with which it ends when nobody kills it.
        by_hand: lines that are written at the end: what no command takes back.
    """

    name: str
    argv: tuple[str, ...]
    writes: int
    setup: tuple[tuple[str, str], ...] = ()
    back: tuple[tuple[str, ...], ...] = ()
    partly: bool = False
    terminal: bool = False
    slow: bool = False
    failures: tuple[int, ...] = ()
    by_hand: tuple[tuple[str, str], ...] = ()


_STACKS_ON = (
    (f"events/{GROUP}/one/trigger", "stacktrace"),
    (f"events/{GROUP}/two/trigger", "traceoff if common_pid == 1"),
)
_FEW = ("vfs_open", "--stack", "--filter", "common_pid > 1", "--cpu", "0")
_NEVER = "common_pid == 1"
_COUNT = 'probe kernel.function("vfs_read") { n[execname()]++ } probe timer.ms(200) { exit() } global n'
_PRINT = 'probe kernel.function("vfs_open") { print_backtrace() } probe timer.ms(200) { exit() }'

VICTIMS = (
    Victim("trace", ("trace", "vfs_read", "n=%dx", ",", "vfs_open%return", "--json", *_SHORT), 15),
    Victim("trace-options", ("trace", "sched:sched_switch", *_FEW, *_SHORT), 22),
    Victim("trace-of-theirs", ("trace", "theirs/hand", "-p", "1", *_SHORT), 12),
    Victim("trace-command", ("trace", "do_fork", "-c", "sh -c 'sleep 0.1; true'"), 16),
    Victim("trace-start-on", ("trace", "vfs_read", "n=%dx", "--start-on", "sched:sched_switch", *_SHORT), 14),
    Victim("trace-stop-on", ("trace", "vfs_read", "n=%dx", "--stop-on", "n == 3", *_SHORT), 15),
    Victim("trace-snapshot-on", ("trace", "vfs_read", "n=%dx", "--snapshot-on", "n > 0", *_SHORT), 14),
    Victim("record", ("record", "-o", "FILE", "vfs_read", "n=%dx", *_SHORT), 16),
    Victim("count", ("count", "vfs_read", "vfs_open", "--by", "comm", *_SHORT), 14),
    Victim("count-wildcard", ("count", "vfs_s*", *_SHORT), 16),
    Victim("hist", ("hist", "vfs_read", "n=%dx:u64", *_SHORT), 11),
    Victim("latency", ("latency", "vfs_read", *_SHORT), 19, slow=True),
    Victim(
        "latency-above", ("latency", "vfs_read", "--above", "1us", "--by", "comm", *_SHORT), 28, slow=True
    ),
    Victim("stack", ("stack", "vfs_open", *_SHORT), 10),
    Victim("stack-user", ("stack", "vfs_open", "--user", *_SHORT), 15),
    Victim("graph", ("graph", "vfs_read", "vfs_open", "--depth", "3", *_SHORT), 26, slow=True),
    Victim("top", ("top", *_SHORT), 9, terminal=True),
    Victim("run", ("run", "-e", _COUNT), 18),
    Victim("run-stacks", ("run", "-e", _PRINT), 15),
    Victim(
        "add",
        ("add", "--group", GROUP, "--stack", "--enable", "vfs_open", ",", "vfs_statfs", "buf=%si"),
        5,
        back=_STAYING,
    ),
    Victim(
        "add-atomic",
        ("add", "--group", GROUP, "--atomic", "--enable", "vfs_open", ",", "vfs_statfs", "a=@no_such_symbol"),
        3,
        back=_STAYING,
        failures=(3, 4),
    ),
    Victim(
        "add-append",
        ("add", "--group", GROUP, "--append", "--enable", "--stack", "--name", "one", "vfs_unlink"),
        3,
        setup=_SOME,
        back=_STAYING,
    ),
    Victim("enable", ("enable", _ALL), 2, setup=_SOME, back=_STAYING),
    Victim(
        "enable-conditions",
        ("enable", _ALL, "--stack", "--stop-on", _NEVER, "--snapshot-on", _NEVER),
        12,
        setup=_SOME,
        back=_STAYING,
        by_hand=(("snapshot", "0"),),
    ),
    Victim(
        "enable-start-on",
        ("enable", f"{GROUP}/one", "--start-on", "theirs/second if common_pid == 1"),
        5,
        setup=_SOME,
        back=(("disable", "theirs/second", "--triggers"), *_STAYING),
        by_hand=(("tracing_on", "1"),),
    ),
    Victim("disable", ("disable", _ALL), 2, setup=_SOME_ON, back=_STAYING),
    Victim(
        "disable-triggers",
        ("disable", _ALL, "--triggers"),
        4,
        setup=(*_SOME_ON, *_STACKS_ON),
        back=_STAYING,
    ),
    Victim("remove", ("remove", _ALL), 5, setup=_SOME_ON, back=_STAYING, partly=True),
    Victim("switch", ("switch", "off"), 1, back=(("switch", "on"),)),
    Victim("clean", ("clean",), 2, partly=True),
    Victim("clean-latency", ("clean",), 8, partly=True, slow=True),
    Victim("clean-graph", ("clean",), 4, partly=True, slow=True),
)

# What is there to be cleaned: this session, killed while it runs.
DEAD = {
    "clean": ("trace", "vfs_open"),
    "clean-latency": ("latency", "vfs_open"),
    "clean-graph": ("graph", "vfs_open", "--depth", "2"),
}
