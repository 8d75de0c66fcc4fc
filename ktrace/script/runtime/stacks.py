"""Backtraces, as text of one frame a line, and names of addresses."""

from collections.abc import Callable, Mapping
from typing import Any

from ktrace.script.runtime.state import State

Frames = tuple[str, ...]


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """By name. Frames come as the kernel printed them, innermost first."""

    def shown(frames: Frames) -> str:
        return "".join(f" {frame}\n" for frame in frames[: state.limits.MAXTRACE])

    def write(text: str) -> int:
        state.out.append(text)
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
        return "<unknown>" if found is None else found[2] or "kernel"

    return {
        "backtrace": short,
        "sprint_backtrace": lambda frames: shown(frames)[: state.limits.MAXSTRINGLEN - 1],
        "print_backtrace": lambda frames: write(shown(frames)),
        "print_backtrace_fileline": lambda frames: write(shown(frames)),
        "callers": lambda frames, n: " ".join(frames[1 : n + 1 if n >= 0 else None]),
        "caller": lambda frames: frames[1] if len(frames) > 1 else "",
        "stack": lambda _frames, _n: 0,
        "ubacktrace": short,
        "sprint_ubacktrace": lambda frames: shown(frames)[: state.limits.MAXSTRINGLEN - 1],
        "print_ubacktrace": lambda frames: write(shown(frames)),
        "print_ubacktrace_brief": lambda frames: write(shown(frames)),
        "print_stack": lambda text: write(lines(text)),
        "print_syms": lambda text: write(lines(text)),
        "sprint_stack": lines,
        "sprint_syms": lines,
        "symname": symbol,
        "symdata": symbol_offset,
        "symfile": lambda _address: "",
        "modname": module,
        "usymname": lambda address: f"0x{address & (1 << 64) - 1:x}",
        "usymdata": lambda address: f"0x{address & (1 << 64) - 1:x}",
    }
