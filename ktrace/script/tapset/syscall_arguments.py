"""Statements of an alias that give its variables the arguments of a system call, and the text of `argstr`."""

from collections.abc import Collection
from dataclasses import field

from ktrace.records import dataclass
from ktrace.script.tapset.syscall_table import Argument

NUMBERS = {
    "int": ("int_arg({n})", "%d"),
    "unsigned": ("uint_arg({n})", "%u"),
    "long": ("long_arg({n})", "%d"),
    "unsigned long": ("ulong_arg({n})", "%u"),
    "hex": ("{unsigned}", "0x%x"),
    "octal": ("uint_arg({n})", "%#o"),
    "octal if created": ("uint_arg({n})", "%#o"),
    "pointer": ("pointer_arg({n})", "0x%x"),
    "futex address": ("pointer_arg({n})", "0x%x"),
    "futex comparison": ("uint_arg({n})", "%u"),
    "hidden": ("{unsigned}", "0x%x"),
}
"""Arguments that are a number: how to read it, and its format."""

NAMED = {
    "directory": ("int_arg({n})", "__ktrace_directory({v})"),
    "signal": ("int_arg({n})", "__ktrace_signal({v})"),
    "file type": ("uint_arg({n})", "__ktrace_node({v})"),
}
"""Arguments that are a number with a name: how to read it, and its text."""

POINTERS = {
    "time": "__ktrace_time({p}, {0}, {1}, 9)",
    "old time": "__ktrace_time({p}, {0}, {1}, 6)",
    "times": "__ktrace_times({p}, {0}, {1}, {2}, {3}, 9)",
    "old times": "__ktrace_times({p}, {0}, {1}, {2}, {3}, 6)",
    "times of a file": '({p} ? sprintf("[%d][%d]", {0}, {1}) : "NULL")',
    "limits": "__ktrace_limits({p}, {0}, {1})",
    "action": "__ktrace_sigaction({p}, {0}, {1}, {3})",
    "signals": "__ktrace_sigset({p}, {0})",
    "address": "__ktrace_sockaddr({p}, {0}, {1}, {2}, user_string({p} + 2))",
    "words": "@argv({p})",
    "environment": '__ktrace_unreadable("how many variables there are is not known at the probe")',
    "futex value": '({takes} ? __ktrace_time({p}, {0}, {1}, 9) : sprintf("%u", uint_arg({n})))',
}
"""Arguments that point to a struct of the program: its text, from its 64-bit words."""

TEXTS = {
    "text": "__ktrace_path({p}, user_string({p}))",
    "buffer": "__ktrace_buffer({p}, user_string({p}), ulong_arg({next}))",
}
"""Arguments that point to text."""


def _operation_is(*operations: int) -> str:
    """Return a condition on the operation of futex(2), its second argument."""
    bits = sum(1 << one for one in operations)
    return f"((int_arg(2) & 0x7f) < 16 && ({bits:#x} >> (int_arg(2) & 0x7f)) & 1)"


_WAITS = (0, 6, 9, 11, 13)
_REQUEUES = (3, 4, 5, 12)
_CONDITIONS = {
    "octal if created": "(int_arg({before}) & 0x40 || (int_arg({before}) & 0x410000) == 0x410000)",
    "futex value": _operation_is(*_WAITS, *_REQUEUES),
    "futex address": _operation_is(*_REQUEUES, 11),
    "futex comparison": _operation_is(4, 5, 9, 10, 12),
}
"""Arguments that the kernel does not read in all cases: when it does."""

_ADDRESS_PARTS = ("af", "ip", "ip_port", "ipv6_flowinfo", "ipv6_scope_id")
_STRUCT = "the struct is not read here: user_uint64({name} + 8) reads its second 8 bytes"
_TAKEN = ("name", "argstr", "argv")
"""Names that are not an argument's: variables that each alias has, and the script's own arguments."""


def _reading(one: Argument) -> tuple[str, str, str]:
    """Return how a number is read, its format, and its text if that is more than the number."""
    kind, _, names = one.kind.partition(" ")
    unsigned, signed = (f"{sign}{'long' if one.is_wide else 'int'}_arg({one.number})" for sign in ("u", ""))
    if one.kind in NUMBERS:
        read, form = NUMBERS[one.kind]
        return read.format(n=one.number, unsigned=unsigned), form, ""
    if one.kind in NAMED:
        read, named = NAMED[one.kind]
        value = read.format(n=one.number)
        return value, "%s", named.format(v=value)
    if kind == "flags":
        return unsigned, "%s", f'__ktrace_flags("{names}", {unsigned})'
    return signed, "%s", f'__ktrace_named("{names}", {signed})'


@dataclass(slots=True)
class Statements:
    """The statements of an alias that give its variables their values.

    Attributes:
        taken: names that the script gives values to. SystemTap documents one name of an argument; others are
            set only if the script does not use them for itself.
        lines: the statements.
        shown: for each argument in `argstr` its format, its value, and the condition of showing it.
    """

    taken: Collection[str] = ()
    lines: list[str] = field(default_factory=list)
    shown: list[tuple[str, str, str]] = field(default_factory=list)

    def argument(self, one: Argument) -> None:
        """Add an argument."""
        if one.kind in TEXTS:
            self._text(one)
        elif one.kind in POINTERS:
            self._pointer(one)
        else:
            self._number(one)

    def text(self) -> str:
        """Return the expression of `argstr`."""
        parts: list[str] = []
        always: list[tuple[str, str]] = []
        for form, value, condition in [*self.shown, ("", "", "end")]:
            if not condition:
                always.append((form, value))
                continue
            if always:
                lead = ", " if parts else ""
                forms = ", ".join(form for form, _ in always)
                parts.append(f'sprintf("{lead}{forms}", {", ".join(value for _, value in always)})')
                always = []
            if form:
                parts.append(f'({condition} ? sprintf(", {form}", {value}) : "")')
        return " . ".join(parts) or '""'

    def _number(self, one: Argument) -> None:
        value, form, named = _reading(one)
        is_pointer = value.startswith("pointer_arg")
        text = named or f'sprintf("{form}", {value})'
        if one.is_struct and is_pointer:
            text = f'__ktrace_unreadable("{_STRUCT.format(name=one.names[0])}")'
        for name in one.names:
            extra = name not in one.documented
            self._set(name, value, extra=extra or is_pointer)
            self._set(f"{name}_str", text, extra=extra or not named)
            if is_pointer:
                self._set(f"{name}_uaddr", value, extra=extra)
        for name in one.texts:
            self._set(name, text)
        if one.kind != "hidden":
            self._show(one, form, named or value)

    def _text(self, one: Argument) -> None:
        pointer = f"pointer_arg({one.number})"
        text = TEXTS[one.kind].format(p=pointer, next=one.number + 1)
        main = one.documented[-1]
        shown = f"{main}_str" if main in _TAKEN else main
        self._set(shown, text)
        for name in one.names:
            extra = name not in one.documented
            for variable in (name, f"{name}_str"):
                if variable != shown:
                    self._set(variable, shown, extra=extra or variable == name)
            self._set(f"{name}_unquoted", f"user_string({pointer})", extra=extra)
            self._set(f"{name}_str_unquoted", f"user_string({pointer})", extra=extra)
            self._set(f"{name}_uaddr", pointer, extra=extra)
        self._show(one, "%s", shown)

    def _pointer(self, one: Argument) -> None:
        pointer = f"pointer_arg({one.number})"
        words = [f"user_int64({pointer} + {8 * i})" for i in range(4)]
        text = POINTERS[one.kind].format(*words, p=pointer, n=one.number, takes=_operation_is(*_WAITS))
        for name in one.names:
            extra = name not in one.documented
            self._set(name, pointer, extra=True)
            self._set(f"{name}_uaddr", pointer, extra=extra)
            self._set(f"{name}_str", text, extra=extra)
        for name in one.texts:
            self._set(name, text)
        if one.kind == "address":
            for part in _ADDRESS_PARTS:
                value = f'__ktrace_sockaddr_part("{part}", {pointer}, {", ".join(words)})'
                self._set(f"uaddr_{part}", value)
        if one.kind == "times of a file":
            self._set("actime", words[0])
            self._set("modtime", words[1])
        is_text = one.kind != "environment"
        self._show(one, "%s" if is_text else "0x%x", f"{one.documented[-1]}_str" if is_text else pointer)

    def _show(self, one: Argument, form: str, value: str) -> None:
        condition = _CONDITIONS.get(one.kind, "").format(before=one.number - 1)
        self.shown.append((form, value, condition))

    def _set(self, variable: str, value: str, *, extra: bool = False) -> None:
        if variable not in _TAKEN and not (extra and variable in self.taken):
            self.lines.append(f"    {variable} = {value}")
