"""Explain why the kernel refused a probe, and say what to do.

The kernel's own words come first. The slow files (kallsyms, the blacklist, the list of functions that ftrace
can patch) are read only here, never for a probe that works.
"""

import errno
import re
from collections.abc import Callable
from functools import partial

from ktrace.errors import Busy, KtraceError, NotFound, Refused, Unavailable
from ktrace.host.host import Host
from ktrace.kernel.inlined import NOWHERE, declared_in, inlined_hint, installed
from ktrace.model.names import is_glob
from ktrace.model.own_command import as_root
from ktrace.model.place import AddressPlace, EventPlace, FilePlace, SymbolPlace, TracepointPlace
from ktrace.model.probe import Probe
from ktrace.model.registers import CONVENTIONS
from ktrace.symbols.kallsyms import Kallsyms, Symbol
from ktrace.symbols.probeable import (
    BLACKLIST,
    FILTER_FUNCTIONS,
    address_on_blacklist,
    not_traceable,
    on_blacklist,
)
from ktrace.symbols.renames import find_present, known_names
from ktrace.tracefs.events import find_static
from ktrace.tracefs.files import Files
from ktrace.tracefs.lockdown import present_mode

_X86_ENTRY = "%di %si %dx %cx %r8 %r9 hold the first six arguments, %ax the return value"


def explain(
    tracing: Files,
    debug: Files | None,
    probe: Probe,
    refused: Refused,
    load_symbols: Callable[[], Kallsyms],
) -> KtraceError:
    """Return the error to show in place of `refused`: same message, right class, and a hint."""
    if refused.errno in (errno.EPERM, errno.EACCES):
        return _no_right(tracing.host, refused)
    if refused.errno == errno.EEXIST:
        return Busy(
            refused.message,
            excerpt=refused.excerpt,
            caret=refused.caret,
            hint=_taken_hint(tracing, probe),
        )
    if refused.errno == errno.ENOMEM:
        return _with_hint(refused, "the kernel is out of memory for probes: a smaller --maxactive may do")
    try:
        symbols: Kallsyms | None = load_symbols()
    except OSError:
        symbols = None
    return (
        _place_problem(tracing, debug, probe, refused, symbols)
        or _data_symbol_problem(probe, refused, symbols)
        or _with_hint(refused, _argument_hint(tracing, probe, refused))
    )


def _taken_hint(tracing: Files, probe: Probe) -> str:
    """Return what to do about a name that is taken, or a tracepoint that the kernel lets one probe have."""
    if isinstance(probe.place, TracepointPlace) and not tracing.exists(f"events/{probe.event}"):
        name = probe.place.to_text()
        lines = tracing.read("dynamic_events").splitlines() if tracing.exists("dynamic_events") else []
        words = [line.split() for line in lines if line.startswith("t:")]
        there = [head.removeprefix("t:") for head, at, *_ in words if at == name]
        return (
            f"this kernel lets a tracepoint have one probe: {there[0] if there else 'another'} is at {name}"
        )
    return f"`ktrace show {probe.event}` shows what is there; choose another name with --name"


def foreseen(
    tracing: Files, debug: Files | None, probe: Probe, load_symbols: Callable[[], Kallsyms]
) -> KtraceError | None:
    """Return the error for what the kernel would refuse, as far as is known without asking it."""
    place = probe.place
    line = probe.to_line()
    refused = Refused("nothing was written", errno=errno.ENOENT, excerpt=line, caret=0)
    if isinstance(place, FilePlace):
        return None if tracing.host.exists(place.path) else NotFound(f"there is no file {place.path}")
    if isinstance(place, EventPlace):
        event = f"{place.system}/{place.event}"
        return None if tracing.exists(f"events/{event}") else NotFound(f"there is no event {event}")
    try:
        symbols = load_symbols()
    except OSError:
        return None
    if isinstance(place, SymbolPlace) and not is_glob(place.symbol):
        if not any(symbols.is_code(s) for s in symbols.find(place.symbol, place.module)):
            return _unknown_symbol(tracing, place, refused, symbols)
        listed = on_blacklist(place.symbol, _read(debug, BLACKLIST))
    else:
        address = place.address if isinstance(place, AddressPlace) else 0
        listed = address_on_blacklist(address, _read(debug, BLACKLIST))
    if listed:
        return Refused(
            listed.reason,
            excerpt=line,
            caret=line.find(" ") + 1,
            hint=f"see {listed.source}; probe a caller of it, or a function that it calls",
        )
    return _data_symbol_problem(probe, refused, symbols)


def _place_problem(
    tracing: Files, debug: Files | None, probe: Probe, refused: Refused, symbols: Kallsyms | None
) -> KtraceError | None:
    """Return the error about the place, if the place is the reason."""
    place = probe.place
    if isinstance(place, AddressPlace) and _about_registering(refused):
        return _address_problem(debug, place, refused, symbols)
    if not isinstance(place, SymbolPlace) or symbols is None:
        return None
    found = [s for s in symbols.find(place.symbol, place.module) if symbols.is_code(s)]
    if not found and not place.module:
        return _unknown_symbol(tracing, place, refused, symbols)
    if refused.errno == errno.EADDRNOTAVAIL or "not unique" in refused.message:
        return _ambiguous(tracing.host, place, refused, found)
    if _about_registering(refused):
        for miss in (
            on_blacklist(place.symbol, _read(debug, BLACKLIST)),
            not_traceable(place.symbol, _read(tracing, FILTER_FUNCTIONS)),
        ):
            if miss:
                return Refused(
                    f"{refused.message}: {miss.reason}",
                    errno=refused.errno,
                    excerpt=refused.excerpt,
                    caret=refused.caret,
                    hint=f"see {miss.source}; probe a caller of it, or a function that it calls",
                )
    return None


def _unknown_symbol(tracing: Files, place: SymbolPlace, refused: Refused, symbols: Kallsyms) -> NotFound:
    miss = symbols.miss(place.symbol)
    data = symbols.find(place.symbol)
    if data:
        hint = f"{place.symbol} is data, not a function: read it with @{place.symbol} in another probe"
    elif events := _events_called(tracing, place.symbol):
        hint = f"an event has this name: `ktrace trace {events[0].replace('/', ':')}`"
    elif inlined := inlined_hint(place.symbol, partial(installed, tracing.host)):
        hint = inlined
    elif near := [*miss.near, *_renamed_near(place.symbol, symbols, miss.near)]:
        hint = "close to it: " + ", ".join(near)
    else:
        hint = NOWHERE
    excerpt = refused.excerpt
    return NotFound(
        f"this kernel has no function '{place.symbol}' ({refused.message})",
        excerpt=excerpt,
        caret=excerpt.find(place.symbol, excerpt.find(" ") + 1) if excerpt else None,
        hint=hint,
    )


def _events_called(tracing: Files, name: str) -> list[str]:
    """Return the kernel's own events of this name, in any group."""
    try:
        return find_static(tracing, f"*:{name}")
    except OSError:
        return []


def _renamed_near(name: str, symbols: Kallsyms, known: tuple[str, ...]) -> list[str]:
    """Return similar names of other kernels whose functions are here under another name."""
    from ktrace.model.near import close_to  # noqa: PLC0415 -- only to explain a failure

    close = [n for n in close_to(name, known_names(), cutoff=0.75) if not symbols.has_function(n)]
    found = ((n, find_present(n, symbols.has_function)) for n in close)
    return [f"{n} ({present} here)" for n, present in found if present and present not in known]


def _ambiguous(host: Host, place: SymbolPlace, refused: Refused, found: list[Symbol]) -> Refused:
    if any(s.address for s in found):
        lines = [s.described for s in found]
        files = (
            declared_in(place.symbol, partial(installed, host))
            if all(s.module is None for s in found)
            else {}
        )
        lines = [f"{n}: {line}  {files.get(n, '')}".rstrip() for n, line in enumerate(lines, start=1)]
        hint = "choose one with --nth N, all with --all, or by address:\n" + "\n".join(lines)
    else:
        hint = "addresses are hidden (kernel.kptr_restrict): show them to choose one"
    return Refused(
        f"there are {len(found)} functions called '{place.symbol}' ({refused.message})",
        errno=refused.errno,
        excerpt=refused.excerpt,
        caret=refused.caret,
        hint=hint,
    )


def _address_problem(
    debug: Files | None, place: AddressPlace, refused: Refused, symbols: Kallsyms | None
) -> KtraceError:
    miss = address_on_blacklist(place.address, _read(debug, BLACKLIST))
    if miss:
        return _with_hint(refused, miss.reason)
    symbol = symbols.at(place.address) if symbols and not symbols.hidden else None
    where = f"0x{place.address:x} is {symbol.name}+0x{place.address - symbol.address:x}" if symbol else ""
    return _with_hint(refused, where or "is it an address of this boot? kernels move theirs at each boot")


def _data_symbol_problem(probe: Probe, refused: Refused, symbols: Kallsyms | None) -> KtraceError | None:
    """Return the error for an unknown `@name`. The kernel blames the probe's place for it."""
    if symbols is None:
        return None
    for arg in probe.args:
        for name in re.findall(r"@([A-Za-z_][\w.$]*)", arg.expr):
            if not symbols.find(name):
                text = refused.excerpt or probe.to_line()
                return NotFound(
                    f"this kernel has no data symbol '{name}' ({refused.message})",
                    excerpt=text,
                    caret=text.find("@" + name),
                    hint="/proc/kallsyms lists the names; variables inside a function have none",
                )
    return None


def _argument_hint(tracing: Files, probe: Probe, refused: Refused) -> str | None:
    """Return a hint for a refused fetch argument, chosen by the kernel's message."""
    text = refused.message
    machine = tracing.host.uname().machine
    if "register name" in text:
        names = CONVENTIONS.get(machine)
        known = " ".join(f"%{name}" for name in names.args) if names else ""
        return _X86_ENTRY + "; there is no %rdi or %eax" if machine == "x86_64" else f"registers: {known}"
    if "type" in text and "Unknown" in text:
        return _types_line(tracing)
    if "variable is not found" in text or "Invalid fetch argument" in text or "BTF" in text:
        return (
            "an argument by name needs BTF in the kernel (6.5 or later); %REG and $argN work everywhere.\n"
            f"To probe several functions, separate them: ktrace add {_separated(probe)}"
        )
    if re.search(r"Invalid \$-va.*ble", text):
        return "$argN, $retval (return probes), $stack, $stackN, $comm"
    if "argument number" in text or "function entry" in text:
        return "$argN works at a function's entry by its name, not at an offset or an address: use %REG there"
    if "retval" in text:
        return "the value is there when the function returns: add -r"
    if "instruction boundary" in text:
        return "objdump -d or gdb show where instructions begin"
    if "String accepts only memory" in text:
        return "read the memory the register points to: +0(%REG):string"
    if "too much nested" in text or "expression is too long" in text:
        return "read an inner pointer at one probe and what it points to at another, further inside"
    if refused.errno == errno.E2BIG or "Too many arg" in text:
        # Each kernel has its own limits, of arguments and of their size, and tells neither.
        number = len(probe.args)
        return f"arguments: {number}, too many or too large for this kernel; split them over several probes"
    return None


def _types_line(tracing: Files) -> str | None:
    """Return the types that this kernel's README lists."""
    lines = _read(tracing, "README").splitlines()
    for i, line in enumerate(lines):
        if line.strip().startswith("type:"):
            return "types here: " + " ".join(part.strip() for part in lines[i : i + 3]).removeprefix("type: ")
    return None


def _separated(probe: Probe) -> str:
    return " , ".join([probe.place.to_text(), *(arg.expr for arg in probe.args[:1])])


def _about_registering(refused: Refused) -> bool:
    """Return whether the kernel refused the place itself, after it had understood the line."""
    return "register probe" in refused.message or refused.excerpt is None or refused.caret is None


def _no_right(host: Host, refused: Refused) -> Unavailable:
    if present_mode(host) == "confidentiality":
        return Unavailable(
            f"this kernel is locked down (confidentiality): {refused.message}",
            hint="see kernel_lockdown(7); `ktrace vm` boots a kernel that is not",
        )
    return Unavailable(refused.message, hint=f"run it as root: {as_root()}; see `ktrace doctor`")


def _with_hint(refused: Refused, hint: str | None) -> Refused:
    return Refused(
        refused.message, errno=refused.errno, excerpt=refused.excerpt, caret=refused.caret, hint=hint
    )


def _read(files: Files | None, path: str) -> str:
    if files is None:
        return ""
    try:
        return files.read(path)
    except OSError:
        return ""
