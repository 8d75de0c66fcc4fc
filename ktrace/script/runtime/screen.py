"""Terminal escape sequences. The script asks for them, so they are printed as they are."""

from collections.abc import Callable, Mapping
from typing import Any

from ktrace.script.runtime.state import State


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name."""

    def printing(form: str) -> Callable[..., int]:
        def write(*args: int) -> int:
            state.out.append(form % args)
            return 0

        return write

    def color(foreground: int, *more: int) -> int:
        """Set a foreground color. The background comes before it in the sequence, other attributes after."""
        state.out.append(f"\33[{';'.join(map(str, (*more[:1], foreground, *more[1:])))}m")
        return 0

    return {
        "ansi_clear_screen": printing("\33[1;1H\33[J"),
        "ansi_set_color": color,
        "ansi_set_color2": color,
        "ansi_set_color3": color,
        "ansi_reset_color": printing("\33[0;0m"),
        "ansi_new_line": printing("\12"),
        "ansi_cursor_move": lambda x, y: printing("\33[%d;%dH")(y, x),
        "ansi_cursor_hide": printing("\33[?25l"),
        "ansi_cursor_save": printing("\33[s"),
        "ansi_cursor_restore": printing("\33[u"),
        "ansi_cursor_show": printing("\33[?25h"),
    }
