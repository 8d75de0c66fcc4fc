"""Backtraces, as text with one frame per line, and names of addresses."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ktrace.script.language.arithmetic import wrap
from ktrace.script.language.faults import Fault
from ktrace.script.runtime.state import State

Frames = tuple[int, ...]


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name. Frames are addresses, innermost first."""
    return {**_of_the_kernel(state), **_of_processes(state)}


def _of_the_kernel(state: State) -> Mapping[str, Callable[..., Any]]:
    names = _KernelNames(state)
    longest, most = state.limits.MAXSTRINGLEN - 1, state.limits.MAXTRACE

    def joined(frames: Iterable[int]) -> str:
        return " ".join(map(_hexadecimal, frames))[:longest]

    def caller(frames: Frames) -> str:
        address = _frame(frames, 1)
        return f"{names.name(address)} {_hexadecimal(address)}"

    return {
        "backtrace": lambda frames: joined(frames[:most]),
        "sprint_backtrace": lambda frames: names.lines(frames)[:longest],
        "print_backtrace": lambda frames: _write(state, names.lines(frames)),
        "print_backtrace_fileline": lambda frames: _write(state, names.lines(frames, source=True)),
        "callers": lambda frames, n: joined(frames[1 : n + 1 if n >= 0 else None]),
        "caller": caller,
        "caller_addr": lambda frames: _frame(frames, 1),
        "stack": _frame,
        "print_stack": lambda text: _write(state, names.lines(_addresses(text))),
        "print_syms": lambda text: _write(state, names.lines(_addresses(text))),
        "sprint_stack": lambda text: names.lines(_addresses(text))[:longest],
        "sprint_syms": lambda text: names.lines(_addresses(text))[:longest],
        "symname": names.name,
        "symdata": lambda address: names.place(address) or _hexadecimal(address),
        "symfile": lambda address: names.source(address, "{0}"),
        "symline": lambda address: names.source(address, "{1}"),
        "symfileline": lambda address: names.source(address, "{0}:{1}"),
        "modname": names.module,
    }


class _KernelNames:
    """Addresses of the kernel as text; plain hexadecimal where nothing is known of one."""

    def __init__(self, state: State) -> None:
        self._state = state

    def name(self, address: int) -> str:
        """Return the name of the symbol that holds an address."""
        found = self._state.symbol(address)
        return found.name if found else _hexadecimal(address)

    def place(self, address: int) -> str | None:
        """Return symbol, offset, size and module of an address; None if it has no symbol."""
        found = self._state.symbol(address)
        if found is None:
            return None
        return f"{found.name}+0x{found.offset:x}/0x{found.size:x} [{found.module or 'kernel'}]"

    def module(self, address: int) -> str:
        """Return the module of an address, or `kernel`. Raises Fault if it is unknown."""
        found = self._state.symbol(address)
        if found is None:
            raise Fault("Cannot determine kernel module name")
        return found.module or "kernel"

    def source(self, address: int, form: str) -> str:
        """Return file and line of an address in this form."""
        found = self._state.symbol(address)
        known = self._state.source_line(found) if found is not None else None
        return form.format(*known) if known else _hexadecimal(address)

    def lines(self, addresses: Iterable[int], *, source: bool = False) -> str:
        """Format addresses, one a line, with symbols and, if asked for, places in the source."""
        made = []
        for address in islice(addresses, self._state.limits.MAXTRACE):
            place = self.place(address)
            text = _hexadecimal(address) + (f" : {place}" if place else "")
            if source and (line := self.source(address, "{0}:{1}")) != _hexadecimal(address):
                text += f" {line}"
            made.append(f" {text}\n")
        return "".join(made)


# long: a table of the functions, and what several of them share
def _of_processes(state: State) -> Mapping[str, Callable[..., Any]]:
    def line(pid: int, address: int) -> str:
        """Format a frame: the address, then its symbol and file if known."""
        name, place = state.user_symbol(pid, address) or ("", "")
        if name:
            return f" {_hexadecimal(address)} : {name} [{place.rpartition('+')[0]}]\n"
        return f" {_hexadecimal(address)} [{place}]\n" if place else f" {_hexadecimal(address)}\n"

    def brief(pid: int, address: int) -> str:
        name, place = state.user_symbol(pid, address) or ("", "")
        return f" {name.partition('/')[0] or place or _hexadecimal(address)}\n"

    def lines(pid: int, addresses: Iterable[int]) -> str:
        return "".join(line(pid, one) for one in islice(addresses, most))

    def joined(frames: Iterable[int]) -> str:
        return " ".join(map(_hexadecimal, frames))[:longest]

    def symbol(pid: int, address: int) -> str:
        name, _ = state.user_symbol(pid, address) or ("", "")
        return name.partition("+")[0] or _hexadecimal(address)

    def symbol_file(pid: int, address: int) -> str:
        name, place = state.user_symbol(pid, address) or ("", "")
        if name:
            return f"{name} [{place.rpartition('+')[0]}]"
        return f"{_hexadecimal(address)} [{place}]" if place else _hexadecimal(address)

    def file(pid: int, address: int) -> str:
        _, place = state.user_symbol(pid, address) or ("", "")
        return place.rpartition("+")[0] or "<unknown>"

    told: set[str] = set()

    def source(_pid: int, address: int) -> str:
        """Return the address: where a program's code comes from is not known."""
        if not told:
            told.add("source")
            state.warn("WARNING: places in the source of programs are not known: they are addresses")
        return _hexadecimal(address)

    longest, most = state.limits.MAXSTRINGLEN - 1, state.limits.MAXTRACE
    return {
        **dict.fromkeys(("usymfile", "usymline", "usymfileline"), source),
        "print_ubacktrace_fileline": lambda pid, frames: _write(state, lines(pid, frames)),
        "uaddr": lambda frames: frames[0] if frames else 0,
        "ustack": _frame,
        "ucallers": lambda frames, n: joined(frames[1 : n + 1 if n >= 0 else None]),
        "ubacktrace": lambda frames: joined(frames[:most]),
        "sprint_ubacktrace": lambda pid, frames: lines(pid, frames)[:longest],
        "print_ubacktrace": lambda pid, frames: _write(state, lines(pid, frames)),
        "print_ubacktrace_brief": lambda pid, frames: _write(
            state, "".join(brief(pid, one) for one in frames[:most])
        ),
        "print_ustack": lambda pid, text: _write(state, lines(pid, _addresses(text))),
        "print_usyms": lambda pid, text: _write(state, lines(pid, _addresses(text))),
        "sprint_ustack": lambda pid, text: lines(pid, _addresses(text))[:longest],
        "sprint_usyms": lambda pid, text: lines(pid, _addresses(text))[:longest],
        "usymname": symbol,
        "usymdata": symbol_file,
        "umodname": file,
    }


def _write(state: State, text: str) -> int:
    """Print text and return 0, the value of a call that returns nothing."""
    state.out.append(state.shown(text))
    return 0


def _frame(frames: Frames, depth: int) -> int:
    """Return the address at a depth of a stack; 0 if it is not that deep."""
    return wrap(frames[depth]) if 0 <= depth < len(frames) else 0


def _hexadecimal(address: int) -> str:
    return f"0x{address & (1 << 64) - 1:x}"


def _addresses(text: str) -> Iterator[int]:
    """Yield the addresses in the result of `ubacktrace`."""
    for word in text.split():
        try:
            yield int(word, 16)
        except ValueError:
            return  # truncated
