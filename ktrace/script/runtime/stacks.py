"""Backtraces, as text with one frame per line, and names of addresses."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ktrace.script.language.faults import Fault
from ktrace.script.runtime.state import State

Frames = tuple[str, ...]


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name. Frames are innermost first; the kernel's are text, others addresses."""

    def shown(frames: Frames) -> str:
        return "".join(f" {frame}\n" for frame in frames[: state.limits.MAXTRACE])

    def write(text: str) -> int:
        state.out.append(state.shown(text))
        return 0

    def short(frames: Frames) -> str:
        return " ".join(frames[: state.limits.MAXTRACE])[: state.limits.MAXSTRINGLEN - 1]

    def symbol(address: int) -> str:
        found = state.symbol(address)
        return found[0] if found else f"0x{address & (1 << 64) - 1:x}"

    def symbol_offset(address: int) -> str:
        found = state.symbol(address)
        if found is None:
            return f"0x{address & (1 << 64) - 1:x}"
        name, offset, module = found
        return f"{name}+0x{offset:x}" + (f" [{module}]" if module else " [kernel]")

    def lines(text: str) -> str:
        return "".join(f" {word}\n" for word in text.split())

    def module(address: int) -> str:
        found = state.symbol(address)
        if found is None:
            raise Fault("Cannot determine kernel module name")
        return found[2] or "kernel"

    def hexadecimal(address: int) -> str:
        return f"0x{address & (1 << 64) - 1:x}"

    def user_line(pid: int, address: int) -> str:
        """Format a frame of a process: the address, then its symbol and file if known."""
        name, place = state.user_symbol(pid, address) or ("", "")
        if name:
            return f" {hexadecimal(address)} : {name} [{place.rpartition('+')[0]}]\n"
        return f" {hexadecimal(address)} [{place}]\n" if place else f" {hexadecimal(address)}\n"

    def user_brief(pid: int, address: int) -> str:
        name, place = state.user_symbol(pid, address) or ("", "")
        return f" {name.partition('/')[0] or place or hexadecimal(address)}\n"

    def user_lines(pid: int, addresses: Iterable[int]) -> str:
        return "".join(user_line(pid, one) for one in islice(addresses, state.limits.MAXTRACE))

    def user_name(pid: int, address: int) -> str:
        name, _ = state.user_symbol(pid, address) or ("", "")
        return name.partition("+")[0] or hexadecimal(address)

    def user_data(pid: int, address: int) -> str:
        name, place = state.user_symbol(pid, address) or ("", "")
        if name:
            return f"{name} [{place.rpartition('+')[0]}]"
        return f"{hexadecimal(address)} [{place}]" if place else hexadecimal(address)

    def user_module(pid: int, address: int) -> str:
        _, place = state.user_symbol(pid, address) or ("", "")
        return place.rpartition("+")[0] or "<unknown>"

    longest = state.limits.MAXSTRINGLEN - 1
    return {
        "backtrace": short,
        "sprint_backtrace": lambda frames: shown(frames)[: state.limits.MAXSTRINGLEN - 1],
        "print_backtrace": lambda frames: write(shown(frames)),
        "print_backtrace_fileline": lambda frames: write(shown(frames)),
        "callers": lambda frames, n: " ".join(frames[1 : n + 1 if n >= 0 else None]),
        "caller": lambda frames: frames[1] if len(frames) > 1 else "",
        "stack": lambda _frames, _n: 0,
        "ubacktrace": lambda frames: " ".join(map(hexadecimal, frames[: state.limits.MAXTRACE]))[:longest],
        "sprint_ubacktrace": lambda pid, frames: user_lines(pid, frames)[:longest],
        "print_ubacktrace": lambda pid, frames: write(user_lines(pid, frames)),
        "print_ubacktrace_brief": lambda pid, frames: write(
            "".join(user_brief(pid, one) for one in frames[: state.limits.MAXTRACE])
        ),
        "print_ustack": lambda pid, text: write(user_lines(pid, _addresses(text))),
        "print_usyms": lambda pid, text: write(user_lines(pid, _addresses(text))),
        "sprint_usyms": lambda pid, text: user_lines(pid, _addresses(text))[:longest],
        "print_stack": lambda text: write(lines(text)),
        "print_syms": lambda text: write(lines(text)),
        "sprint_stack": lines,
        "sprint_syms": lines,
        "symname": symbol,
        "symdata": symbol_offset,
        "symfile": lambda _address: "",
        "modname": module,
        "usymname": user_name,
        "usymdata": user_data,
        "umodname": user_module,
    }


def _addresses(text: str) -> Iterator[int]:
    """Yield the addresses in the result of `ubacktrace`."""
    for word in text.split():
        try:
            yield int(word, 16)
        except ValueError:
            return  # truncated
