"""The kernel's rules for bad definitions: refused, its words and its caret shown, nothing changed.

Each line goes to the kernel by hand first, which is the oracle: its errno, and what it writes into
error_log. Then the same line goes through ktrace, which refuses it itself, or shows what the kernel said.

Kinds of the kernel's table that no line here produces: NO_TRACEPOINT (kernels from 6.12 on take an unknown
tracepoint, which may come with a module), ARGS_2LONG and ARGIDX_2BIG (no function has that many parameters),
BAD_BTF_TID and NO_BTF_ENTRY (damaged BTF), NO_REGULAR_FILE by another file than a device, EVENT_TOO_BIG
before 5.15, TOO_MANY_ARGS before 6.14 (no log), and those of sampled kernels that are not here.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from ktrace.errors import KtraceError, Refused
from ktrace.host.local import LocalHost
from ktrace.kernel.kernel import Kernel
from ktrace.probes.define import define_probe
from ktrace.resolve.empty_reads import checker
from ktrace.resolve.resolve import want
from ktrace.resolve.spec import ProbeOptions
from ktrace.tracefs.error_log import LogEntry, parse_error_log
from ktrace.tracefs.mount import find_debug, find_tracing

BTF, FPROBE, TRACEPOINT, EPROBE = "<argname>", "f[:", "t[:", "<attached-group>"
LONG = "x" * 70


@dataclass(frozen=True)
class Bad:
    """A line, what the kernel says about it (a regular expression; empty: nothing), and what it needs."""

    line: str
    says: str
    needs: str = ""
    path: str = "kprobe_events"


def k(line: str, says: str, needs: str = "") -> Bad:
    return Bad(line, says, needs)


def u(line: str, says: str, needs: str = "") -> Bad:
    return Bad(line, says, needs, "uprobe_events")


def d(line: str, says: str, needs: str) -> Bad:
    return Bad(line, says, needs, "dynamic_events")


VAR = r"Invalid \$-va.*ble"
CASES = (
    # places
    k("p:x no_such_function", "Invalid probed address or symbol"),
    k("p:x vfs_read-4", "Invalid probed address or symbol"),
    k("p:x 0", "Invalid probed address or symbol|Failed to register|^$"),
    k("p:x vfs_read+1048575", "Invalid probed address|Failed to register|boundary|^$"),
    k("p:x vfs_read+zz", "Invalid probed address or symbol"),
    k("p:x vfs_read%retrun", "Invalid probed address suffix|Invalid probed address or symbol"),
    k("r:x vfs_read+8", "Retprobe address must be an function entry"),
    k("p:x vfs_read+8%return", "Retprobe address must be an function entry"),
    k("p:x load_elf_binary", "The symbol is not unique|Failed to register|^taken$"),
    k("p:x do_int3", "Failed to register|Invalid probed"),
    k("p:x vfs_read+1", "not an instruction boundary"),
    # head
    k("p5:x vfs_read", "Maxactive is (not for kprobe|only for function exit)"),
    k("r0:x vfs_read", "Invalid maxactive number"),
    k("r5x:x vfs_read", "Invalid maxactive number"),
    k("r5000:x vfs_read", "Maxactive is too big"),
    k("p:/x vfs_read", "Group name is not specified"),
    k(f"p:{LONG}/x vfs_read", "Group name is too long"),
    k("p:1g/x vfs_read", "Group name must follow"),
    k("p:g*/x vfs_read", "Group name must follow"),
    k("p: vfs_read", "Event name is not specified"),
    k(f"p:{LONG} vfs_read", "Event name is too long"),
    k("p:1x vfs_read", "Event name must follow"),
    k("p:x+y vfs_read", "Event name must follow"),
    k("p:sched/sched_switch vfs_read", "already used by another event"),
    k("q:x vfs_read", ""),
    k("p", ""),
    k("hello", ""),
    # what exists
    k("p:bad/there vfs_read a=%di", "already the exact same probe event"),
    k("p:bad/there vfs_write b=%di", "Argument type or name is different"),
    k("p:bad/there vfs_write a=%di:u8", "Argument type or name is different"),
    k("r:bad/there vfs_read a=%di", "Probe type is different"),
    # names of arguments
    k(f"p:x vfs_read {'n' * 40}=%di", "Argument name is too long"),
    k("p:x vfs_read =%di", "Argument name is not specified"),
    k("p:x vfs_read 1a=%di", "Argument name must follow"),
    k("p:x vfs_read a-b=%di", "Argument name must follow"),
    k("p:x vfs_read a=%di a=%si", "argument name is already used"),
    k("p:x vfs_read common_pid=%di", "argument name is already used"),
    k("p:x vfs_read __probe_ip=%di", "argument name is already used"),
    k("p:x vfs_read a=", "No argument expression"),
    k(f"p:x vfs_read a=+{'0' * 300}8(%di)", "Argument expression is too long|^$"),  # 5.10 says nothing
    # variables and registers
    k("p:x vfs_read a=%nope", "Invalid register name"),
    k("p:x vfs_read a=%rdi", "Invalid register name"),
    k("p:x vfs_read a=$nope", VAR),
    k("p:x vfs_read a=$retval", "retval is not available on probe"),
    k("p:x vfs_read a=$arg0", "Invalid argument number|No BTF entry"),
    k("p:x vfs_read a=$argx", f"Invalid argument number|{VAR}"),
    k("p:x vfs_read+4 a=$arg1", f"{VAR}|only on function entry|only for function entry|boundary|^taken$"),
    k("p:x vfs_read a=$stackx", f"Invalid stack number|{VAR}"),
    k("p:x vfs_read a=$stack99999", "Invalid stack number"),
    k("p:x vfs_read a=$stack-1", f"Invalid stack number|{VAR}"),
    # memory, constants
    k("p:x vfs_read a=@", "Invalid (fetch argument|memory address)|Invalid probed address|^$"),
    k("p:x vfs_read a=@0xzz", "Invalid memory address"),
    k("p:x vfs_read a=@+8", "File offset is not available"),
    k("p:x vfs_read a=@no_such_data", "Invalid probed address or symbol|^$"),
    k("p:x vfs_read a=\\", "Invalid immediate value|Invalid fetch|^$"),
    k("p:x vfs_read a=\\zz", "Invalid immediate value"),
    k('p:x vfs_read a=\\"open', "String is not closed"),
    # dereferences
    k("p:x vfs_read a=+8%di", "Dereference needs a brace"),
    k("p:x vfs_read a=+x(%di)", "Invalid dereference offset"),
    k("p:x vfs_read a=+8(%di", "Dereference brace is not closed"),
    k("p:x vfs_read a=+8($comm)", r"\$comm can not be dereferenced|\$COMM can not|can not be dereferenced"),
    k(f"p:x vfs_read a={'+0(' * 16}%di{')' * 16}", "too much nested|expression is too long|Too many nested"),
    k("p:x vfs_read a=&di", "Invalid fetch argument|This variable is not found|BTF|not found"),
    k("p:x vfs_read+4 a=8", "Invalid fetch argument|BTF|boundary"),
    # types
    k("p:x vfs_read a=%di:u128", "Unknown type"),
    k("p:x vfs_read a=%di:", "Unknown type|Invalid fetch|^taken$"),
    k("p:x vfs_read a=%di:string", "String accepts only memory"),
    k("p:x vfs_read a=%di:u8[2]", "String accepts only memory"),
    k("p:x vfs_read a=+0(%di):u8[2", "Array is not closed"),
    k("p:x vfs_read a=+0(%di):u8[2]x", "Array has wrong suffix"),
    k("p:x vfs_read a=+0(%di):u8[0]", "Invalid array size"),
    k("p:x vfs_read a=+0(%di):u8[x]", "Invalid array size"),
    k("p:x vfs_read a=+0(%di):u8[65]", "Array number is too big"),
    k("p:x vfs_read a=%di:b0@0/32", "Invalid bitfield"),
    k("p:x vfs_read a=%di:b8@60/32", "Invalid bitfield"),
    k("p:x vfs_read a=%di:b8@0/33", "Invalid bitfield|Unknown type"),
    k("p:x vfs_read a=$comm:u8", "only accepts string type|^$|^taken$"),
    k("p:x vfs_read " + " ".join(f"a{n}=%di" for n in range(129)), "Too many arguments|^$|^taken$"),
    # types of the kernel
    k("p:x vfs_read a=nope", "This variable is not found", BTF),
    k("p:x vfs_read a=file->nope", "This field is not found", BTF),
    k("p:x vfs_read a=count->x", "not a pointer to union/structure", BTF),
    k("p:x vfs_read a=file-x", "Failed to parse single hyphen", BTF),
    k("p:x vfs_read a=file.f_pos", "Non pointer structure|^$", BTF),
    k("p:x vfs_read a=count:string", "does not fit for string|^taken$", BTF),
    k("p:x vfs_read a=$arg*", f"must be an independent parameter|{VAR}", BTF),
    k("p:x vfs_read $arg* $arg*", "only once in the parameters", BTF),
    k("p:x vfs_read+0x8 $arg*", "only on function entry|boundary|BTF", BTF),
    k("r:x kfree $retval", "returns 'void' type", BTF),
    # programs
    u("p:x /no/such/file:0x10", "Failed to find the given file"),
    u("p:x /dev:0x10", "Not a regular file"),
    u("p:x /bin/sh:zz", "Invalid uprobe offset|^$"),
    u("p:x /bin/sh:0xzz", "Invalid uprobe offset"),
    u("p:x /bin/sh:0x1000(0x10", "Reference counter brace is not closed"),
    u("p:x /bin/sh:0x1000(0x10)z", "Reference counter has wrong suffix"),
    u("p:x /bin/sh:0x1000(zz)", "Invalid reference counter offset"),
    u("p:x /bin/sh:0x1000%nope", "Invalid probed address suffix|Invalid uprobe offset"),
    u("p:x /bin/sh:0x1000 a=@jiffies", "Symbol is not available with uprobe"),
    u("p:x /bin/sh:0x1000 a=@+zz", "Invalid file offset value"),
    u("p:x /bin/sh:0x1000 a=$arg1", f"{VAR}|only on function entry"),
    # fprobes, tracepoints, other events
    d("f:x no_such_function", "Failed to register|Invalid probed address", FPROBE),
    d("f:x vfs_read+4", "Failed to register|Invalid probed address", FPROBE),
    d("f:x vfs_read a=%di", f"Invalid register|{VAR}|Invalid fetch", FPROBE),
    d("f:x vfs_read%nope", "Invalid probed address suffix|Failed to register|Invalid probed", FPROBE),
    d("f:x vfs_read nope", "This variable is not found", FPROBE),
    d("t:x sched/sched_switch", "Invalid character in tracepoint name|Tracepoint", TRACEPOINT),
    d("t:x sched_switch nope", "This variable is not found", TRACEPOINT),
    d("e:x sched_switch", "requires both group and event name|Attached event|Event name|Group", EPROBE),
    d("e:x sched.no_such_event", "Attached event does not exist", EPROBE),
    d("e:x sched.sched_switch a=$nope", f"does not have this field|{VAR}|event field is not found", EPROBE),
    d("e:x sched.sched_switch a=%di", f"{VAR}|Invalid|not found|does not", EPROBE),
    d("e:x sched.sched_switch if", "No filter rule", EPROBE),
    d("e:x sched.sched_switch if nope == 1", "Field not found|Couldn't|parse|^$|nope", EPROBE),
)  # fmt: skip
FILES = ("kprobe_events", "uprobe_events", "dynamic_events", "synthetic_events")


@pytest.fixture
def kernel() -> Kernel:
    return Kernel(find_tracing(LocalHost()), find_debug(LocalHost()))


@pytest.fixture
def there(foreign: object) -> Iterator[None]:
    """An event that the lines can collide with."""
    foreign("p:bad/there vfs_read a=%di")  # type: ignore[operator]  # a fixture's function
    yield


def defined(tracing: Path) -> list[str]:
    return [(tracing / name).read_text() for name in FILES if (tracing / name).exists()]


def log(tracing: Path) -> tuple[LogEntry, ...]:
    return parse_error_log((tracing / "error_log").read_text())


def by_hand(tracing: Path, bad: Bad) -> tuple[int, LogEntry | None]:
    """Return the kernel's errno for a line (0 if it accepted it), and what it logged."""
    before = log(tracing)
    number = 0
    fd = os.open(tracing / bad.path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, bad.line.encode() + b"\n")
    except OSError as error:
        number = error.errno or 0
    finally:
        os.close(fd)
    after = log(tracing)
    return number, after[-1] if after and after[-1:] != before[-1:] else None


def remove_taken(tracing: Path, before: list[str]) -> None:
    """Remove what a kernel took that another one refuses."""
    known = set("".join(before).splitlines())
    for line in (tracing / "dynamic_events").read_text().splitlines():
        if line not in known:
            event = line.split()[0].partition(":")[2]
            for name in ("kprobe_events", "uprobe_events", "dynamic_events"):
                with suppress(OSError):
                    fd = os.open(tracing / name, os.O_WRONLY | os.O_APPEND)
                    try:
                        os.write(fd, f"-:{event}\n".encode())
                    finally:
                        os.close(fd)


def through_ktrace(kernel: Kernel, bad: Bad) -> KtraceError | None:
    try:
        for one in want(bad.line.split(), ProbeOptions(), kernel):
            define_probe(
                kernel.tracing,
                one.probe,
                append=True,
                load_symbols=lambda: kernel.symbols,
                debug=kernel.debug,
                check=checker(kernel),
            )
    except KtraceError as error:
        return error
    return None


def problem(tracing: Path, kernel: Kernel, bad: Bad) -> str | None:
    """Return what is wrong with the refusal of a line, or None."""
    before = defined(tracing)
    number, entry = by_hand(tracing, bad)
    if number == 0:
        remove_taken(tracing, before)
        return None if re.search(bad.says, "taken") else "the kernel took it"
    said = entry.text if entry else ""
    if not re.search(bad.says or "^$", said):
        return f"the kernel said {said!r} (errno {number})"
    if defined(tracing) != before:
        return "the kernel took a part of it"
    error = through_ktrace(kernel, bad)
    if error is None:
        remove_taken(tracing, before)
        return "ktrace added it"
    if defined(tracing) != before:
        return "ktrace changed something"
    if error.exit_code not in (2, 3, 4, 5, 6):
        return f"ktrace: {error.message}, status {error.exit_code}"
    if error.exit_code == 3:
        if said and said not in error.message:
            return f"ktrace says {error.message!r}, the kernel {said!r}"
        if entry and isinstance(error, Refused):
            if error.excerpt is None or error.caret is None:
                return "the kernel's caret is not shown"
            shown, meant = _tail(error.excerpt, error.caret), _tail(entry.command, entry.caret)
            if shown != meant:
                return f"caret at {shown!r}, not at {meant!r}"
    return None


def _tail(text: str, at: int) -> str:
    """Return the text from the caret on; ktrace writes offsets in files with all their digits."""
    return re.sub(r"0x0+(?=[0-9a-f])", "0x", text[at:])


def test_bad_definitions(tracing: Path, kernel: Kernel, there: None) -> None:
    readme = (tracing / "README").read_text()
    cases = [bad for bad in CASES if bad.needs in readme]
    assert len(cases) >= 60
    wrong = {bad.line: why for bad in cases if (why := problem(tracing, kernel, bad)) is not None}
    assert not wrong, "\n".join(f"{line}: {why}" for line, why in wrong.items())


def test_bad_definitions_on_the_command_line(ktrace: object, there: None) -> None:
    """The exit status, and the caret below the word, for one of each way to be refused."""
    for words, status, text in (
        (["p:x", "vfs_read", "a=%nope"], 3, "Invalid register name"),
        (["p:1x", "vfs_read"], 2, "cannot be an event name"),
        (["p:x", "no_such_function"], 4, "no function 'no_such_function'"),
        (["p:bad/there", "vfs_read", "a=%di"], 6, "is there already"),
    ):
        err = ktrace("add", *words, status=status).err  # type: ignore[operator]  # as above
        assert text in err
        if status == 3:
            at = err.splitlines().index(next(line for line in err.splitlines() if line.strip() == "^"))
            assert err.splitlines()[at - 1][err.splitlines()[at].index("^") :].startswith("%nope")
