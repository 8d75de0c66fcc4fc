"""Translate stap's command line, see stap(1), to that of `ktrace run`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ktrace.errors import UsageError

What = Literal["same", "drop", "refuse", "version", "help"]


@dataclass(frozen=True, slots=True)
class _Option:
    """One option of stap.

    Attributes:
        what: how it is treated.
        takes: whether it takes a value.
        words: what it becomes; `{}` is the value.
        why: the reason of a refusal, or what is worth knowing.
    """

    what: What = "same"
    takes: bool = False
    words: tuple[str, ...] = ()
    why: str = ""


def _same(*words: str, takes: bool = False, why: str = "") -> _Option:
    return _Option("same", takes, words, why)


def _drop(*, takes: bool = False, why: str = "") -> _Option:
    return _Option("drop", takes, why=why)


def _refuse(why: str, *, takes: bool = False) -> _Option:
    return _Option("refuse", takes, why=why)


_MANY = "9223372036854775807"
_MODULE = "ktrace makes no kernel module"

_SHORT: Mapping[str, _Option] = {
    **{letter: _same(f"-{letter}", "{}", takes=True) for letter in "ecxoGDlLTIp"},
    "v": _same("-v"),
    "w": _same("-w"),
    "W": _same("-W"),
    "u": _same("--no-pushdown"),
    "s": _same("--buffer-size", "{}", takes=True),
    "h": _Option("help"),
    "V": _Option("version"),
    **{letter: _drop() for letter in "kbPqg"},
    **{letter: _drop(takes=True) for letter in "dmBRC"},
    "t": _drop(why="-t: the time that probes take is not measured"),
    "E": _refuse("one script is run at a time", takes=True),
    "F": _refuse("ktrace does not go on in the background: use `ktrace record`, or nohup"),
    "S": _refuse("the output is one file: use split(1)", takes=True),
    "i": _refuse("there is no interactive mode"),
}
_LONG: Mapping[str, _Option] = {
    "--version": _Option("version"),
    "--help": _Option("help"),
    "--suppress-handler-errors": _same("-D", f"MAXERRORS={_MANY}"),
    "--suppress-time-limits": _same("-D", f"MAXACTION={_MANY}", "-D", f"MAXACTION_INTERRUPTIBLE={_MANY}"),
    "--skip-badvars": _refuse("a variable that is not there would be 0 without a word: use @defined($x)"),
    **dict.fromkeys(
        ("--ldd", "--all-modules", "--disable-cache", "--poison-cache", "--clean-cache"), _drop()
    ),
    **dict.fromkeys(("--unprivileged", "--use-server-on-error", "--save-uprobes", "--modinfo"), _drop()),
    **dict.fromkeys(("--prologue-searching", "--check-version", "--benchmark-sdt"), _drop()),
    **dict.fromkeys(
        ("--vp", "--tmpdir", "--privilege", "--compatible", "--color", "--colour"), _drop(takes=True)
    ),
    **dict.fromkeys(("--rlimit-as", "--rlimit-cpu", "--rlimit-nproc"), _drop(takes=True)),
    **dict.fromkeys(("--rlimit-stack", "--rlimit-fsize"), _drop(takes=True)),
    "--download-debuginfo": _drop(),
    "--bpf": _drop(),
    **dict.fromkeys(("--sysroot", "--sysenv", "--sign-module"), _refuse(_MODULE, takes=True)),
    **dict.fromkeys(("--use-server", "--list-servers", "--trust-servers"), _refuse(_MODULE)),
    "--remote": _refuse("run ktrace on that machine", takes=True),
    "--dyninst": _refuse("programs are not probed by scripts yet"),
    "--interactive": _refuse("there is no interactive mode"),
    "--monitor": _refuse("there is no monitor: print from a timer"),
    **dict.fromkeys(
        ("--dump-functions", "--dump-probe-types", "--dump-probe-aliases"), _refuse("see docs/systemtap.md")
    ),
    "--target-namespaces": _refuse("namespaces are not chosen for a script", takes=True),
}


@dataclass(slots=True)
class StapWords:
    """A translated command line.

    Attributes:
        words: the words of `ktrace run`.
        notes: what is different.
        version: whether the version is asked for, and nothing is run.
    """

    words: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    version: bool = False


def from_stap(words: Sequence[str], release: str, machine: str) -> StapWords:
    """Translate stap's words. Options may be anywhere before `--`.

    Args:
        release: `uname -r` of the traced machine, the only kernel of `-r`.
        machine: its architecture as stap calls it, the only one of `-a`.

    Raises:
        UsageError: an option is unknown, lacks its value, or cannot be fulfilled; the message says why.
    """
    made = StapWords()
    todo = iter(words)
    for word in todo:
        if word == "--":
            made.words += ["--", *todo]
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            option = _runtime(name, value) or _LONG.get(name)
            if option is None:
                raise UsageError(f"stap has no option {name}", hint="man stap")
            _take(made, name, option, value if equals else None, todo)
        elif len(word) > 1 and word[0] == "-" and not word[1:].isdigit():
            _short(made, word[1:], todo, {"-r": release, "-a": machine})
        else:
            made.words.append(word)
    return made


def _runtime(name: str, value: str) -> _Option | None:
    if name != "--runtime":
        return None
    return (
        _refuse("programs are not probed by scripts yet", takes=True)
        if value == "dyninst"
        else _drop(takes=True)
    )


def _short(made: StapWords, letters: str, todo: Iterator[str], only: Mapping[str, str]) -> None:
    """Translate options of one letter: `-vg`, `-DMAXERRORS=1`."""
    while letters:
        name, rest = f"-{letters[0]}", letters[1:]
        if name in only:
            value = rest or _value(name, todo)
            if value not in (only[name], f"/lib/modules/{only[name]}/build"):
                raise UsageError(f"{name} {value}: ktrace runs scripts on this kernel only: {only[name]}")
            return
        option = _SHORT.get(letters[0])
        if option is None:
            raise UsageError(f"stap has no option {name}", hint="man stap")
        if option.takes:
            _take(made, name, option, rest or None, todo)
            return
        _take(made, name, option, None, todo)
        letters = rest


def _take(made: StapWords, name: str, option: _Option, value: str | None, todo: Iterator[str]) -> None:
    if option.what == "refuse":
        raise UsageError(f"{name}: {option.why}")
    if option.takes and value is None:
        value = _value(name, todo)
    if option.what == "version":
        made.version = True
    if option.what == "help":
        made.words.append("--help")
    if name == "-s":
        value = _kilobytes(value or "")
    made.words += [word.replace("{}", value or "") for word in option.words]
    if option.why:
        made.notes.append(option.why)


def _value(name: str, todo: Iterator[str]) -> str:
    value = next(todo, None)
    if value is None:
        raise UsageError(f"{name} needs a value")
    return value


def _kilobytes(megabytes: str) -> str:
    """Return the size of stap's -s, which is in MiB, in KiB."""
    if not megabytes.isdigit() or not 1 <= int(megabytes) <= 4095:
        raise UsageError(f"-s {megabytes}: MiB of buffer, from 1 to 4095")
    return str(int(megabytes) * 1024)
