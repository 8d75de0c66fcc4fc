"""Backtraces, as text with one frame per line, and names of addresses."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ktrace.script.language.faults import Fault
from ktrace.script.runtime.state import State

Frames = tuple[str, ...]


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name. Frames are innermost first; the kernel's are text, others addresses."""
    return {**_of_the_kernel(state), **_of_processes(state)}


def _of_the_kernel(state: State) -> Mapping[str, Callable[..., Any]]:
    def shown(frames: Frames) -> str:
        return "".join(f" {frame}\n" for frame in frames[: state.limits.MAXTRACE])

    def short(frames: Frames) -> str:
        return " ".join(frames[: state.limits.MAXTRACE])[:longest]

    def symbol(address: int) -> str:
        found = state.symbol(address)
        return found[0] if found else _hexadecimal(address)

    def symbol_offset(address: int) -> str:
        found = state.symbol(address)
        if found is None:
            return _hexadecimal(address)
        name, offset, module = found
        return f"{name}+0x{offset:x}" + (f" [{module}]" if module else " [kernel]")

    def module(address: int) -> str:
        found = state.symbol(address)
        if found is None:
            raise Fault("Cannot determine kernel module name")
        return found[2] or "kernel"

    def lines(text: str) -> str:
        return "".join(f" {word}\n" for word in text.split())

    longest = state.limits.MAXSTRINGLEN - 1
    return {
        "backtrace": short,
        "sprint_backtrace": lambda frames: shown(frames)[:longest],
        "print_backtrace": lambda frames: _write(state, shown(frames)),
        "print_backtrace_fileline": lambda frames: _write(state, shown(frames)),
        "callers": lambda frames, n: " ".join(frames[1 : n + 1 if n >= 0 else None]),
        "caller": lambda frames: frames[1] if len(frames) > 1 else "",
        "stack": lambda _frames, _n: 0,
        "print_stack": lambda text: _write(state, lines(text)),
        "print_syms": lambda text: _write(state, lines(text)),
        "sprint_stack": lines,
        "sprint_syms": lines,
        "symname": symbol,
        "symdata": symbol_offset,
        "symfile": lambda _address: "",
        "modname": module,
    }


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

    longest, most = state.limits.MAXSTRINGLEN - 1, state.limits.MAXTRACE
    return {
        "ubacktrace": lambda frames: " ".join(map(_hexadecimal, frames[:most]))[:longest],
        "sprint_ubacktrace": lambda pid, frames: lines(pid, frames)[:longest],
        "print_ubacktrace": lambda pid, frames: _write(state, lines(pid, frames)),
        "print_ubacktrace_brief": lambda pid, frames: _write(
            state, "".join(brief(pid, one) for one in frames[:most])
        ),
        "print_ustack": lambda pid, text: _write(state, lines(pid, _addresses(text))),
        "print_usyms": lambda pid, text: _write(state, lines(pid, _addresses(text))),
        "sprint_usyms": lambda pid, text: lines(pid, _addresses(text))[:longest],
        "usymname": symbol,
        "usymdata": symbol_file,
        "umodname": file,
    }


def _write(state: State, text: str) -> int:
    """Print text and return 0, the value of a call that returns nothing."""
    state.out.append(state.shown(text))
    return 0


def _hexadecimal(address: int) -> str:
    return f"0x{address & (1 << 64) - 1:x}"


def _addresses(text: str) -> Iterator[int]:
    """Yield the addresses in the result of `ubacktrace`."""
    for word in text.split():
        try:
            yield int(word, 16)
        except ValueError:
            return  # truncated
