"""Aliases of system calls, generated for the calls that a script names.

`syscalls.txt` has a line for each call: its name, and `VARIABLE:FORM` for each argument. `_FORMS` and
`_argument` say what a form is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

from ktrace.records import dataclass
from ktrace.script.kernel_interface import Machine
from ktrace.script.language.definitions import Point

_HEXADECIMAL_RETURNS = ("brk", "mmap", "mremap", "shmat")
_ANY = """
probe {name} = kernel.trace("raw_syscalls:sys_enter") {{
    syscall_nr = $id
    name = __ktrace_syscall_name($id)
    argstr = __ktrace_unreadable("one event reports all calls here: name them, as in syscall.openat")
}}
probe {name}.return = kernel.trace("raw_syscalls:sys_exit") {{
    syscall_nr = $id
    name = __ktrace_syscall_name($id)
    retval = $ret
    retstr = return_str({hexadecimal} ? 2 : 1, $ret)
}}
"""
_ONE = """
probe {prefix}.{name} = __ktrace.syscall("{call}") {{
    name = "{call}"
{variables}
}}
probe {prefix}.{name}.return = __ktrace.syscall("{call}").return {{
    name = "{call}"
    retval = $return
    retstr = return_str({form}, $return)
}}
"""
_ALSO = """
probe {prefix}.{name} = {prefix}.__{name}{others} {{ }}
probe {prefix}.{name}.return = {prefix}.__{name}.return{others_return} {{ }}
"""
# Calls that 64-bit programs never make: send() is sendto there. As in SystemTap, the probe points exist.
_NEVER = """
probe {prefix}.{name} = never {{
    name = "{name}"
    argstr = ""
    s = len = size = flags = buf_uaddr = 0
}}
probe {prefix}.{name}.return = never {{
    name = "{name}"
    retval = 0
    retstr = ""
}}
"""
_NEVER_CALLED = ("send", "recv")
_VARIANTS = {
    "epoll_create": ("epoll_create1",),
    "eventfd": ("eventfd2",),
    "fstatat": ("newfstatat",),
    "getdents": ("getdents64",),
    "inotify_init": ("inotify_init1",),
    "mmap2": ("mmap",),
    "pipe": ("pipe2",),
    "pread": ("pread64",),
    "pwrite": ("pwrite64",),
    "signalfd": ("signalfd4",),
    "umount": ("umount2",),
}
"""Calls that SystemTap reports together, by its name for them. The name need not be a call."""

_FORMS = {
    "i": ("int_arg({n})", "%d"),
    "U": ("uint_arg({n})", "%u"),
    "l": ("long_arg({n})", "%d"),
    "u": ("ulong_arg({n})", "%u"),
    "x": ("ulong_arg({n})", "0x%x"),
    "o": ("uint_arg({n})", "%#o"),
    "creat": ("uint_arg({n})", "%#o"),
    "p": ("pointer_arg({n})", "0x%x"),
    "-": ("ulong_arg({n})", ""),
}
"""Arguments that are a number: how to read it, and its format. Nothing shows `-`."""

_POINTERS = {
    "ts": "__ktrace_time({p}, {0}, {1}, 9)",
    "tv": "__ktrace_time({p}, {0}, {1}, 6)",
    "ts2": "__ktrace_times({p}, {0}, {1}, {2}, {3}, 9)",
    "tv2": "__ktrace_times({p}, {0}, {1}, {2}, {3}, 6)",
    "itimerspec": "__ktrace_times({p}, {0}, {1}, {2}, {3}, 9)",
    "itimerval": "__ktrace_times({p}, {0}, {1}, {2}, {3}, 6)",
    "rlimit": "__ktrace_limits({p}, {0}, {1})",
    "sigset": "__ktrace_sigset({p}, {0})",
    "sa": "__ktrace_sockaddr({p}, {0}, {1}, {2}, __ktrace_user_text_at({p}, 2))",
    "argv": "@argv({p})",
    "buf": "__ktrace_buffer({p}, user_string({p}), ulong_arg({next}))",
}
"""Arguments that point to a struct of the program: its text, from its 64-bit words."""


def syscall_aliases(
    prefix: str, points: Iterable[Point], machine: Machine | None, names: Iterable[str] = ()
) -> str:
    """Return script text with an alias for each call that a probe point names.

    `syscall.*` matches all calls. One kernel event reports all of them, unless the script reads their
    arguments.

    Args:
        names: the names that the script reads.
    """
    hexadecimal = " || ".join(f'name == "{name}"' for name in _HEXADECIMAL_RETURNS)
    if prefix.endswith("_any"):
        return _ANY.format(name=prefix, hexadecimal=hexadecimal)
    asked = {p.parts[1].name for p in points if p.parts[0].name == prefix and len(p.parts) > 1}
    text = ""
    if "*" in asked and "argstr" not in names:
        text += _ANY.format(name=f"{prefix}.__any", hexadecimal=hexadecimal)
        asked.discard("*")
    for name, others in _VARIANTS.items():
        if name in asked:
            asked.discard(name)
            text += _together(prefix, name, others, asked)
    for name in dict.fromkeys([*_calls(), *(machine.syscalls().values() if machine and asked else ())]):
        if any(name == one or ("*" in one and fnmatchcase(name, one)) for one in asked):
            text += _alias(prefix, name, name)
    for name in _NEVER_CALLED:
        if name in asked:
            text += _NEVER.format(prefix=prefix, name=name)
    return text


@cache
def _calls() -> Mapping[str, str]:
    text = resources.files(__package__).joinpath("syscalls.txt").read_text("ascii")
    return dict(line.partition(" ")[::2] for line in text.splitlines())


def _together(prefix: str, name: str, others: tuple[str, ...], asked: set[str]) -> str:
    """Return the aliases of a call and its variants, which must be asked for, too."""
    if name not in _calls():
        return "".join(_alias(prefix, name, one) for one in others)
    asked.update(others)
    return _alias(prefix, f"__{name}", name) + _ALSO.format(
        prefix=prefix,
        name=name,
        others="".join(f", {prefix}.{one} ?" for one in others),
        others_return="".join(f", {prefix}.{one}.return ?" for one in others),
    )


def _alias(prefix: str, name: str, call: str) -> str:
    made = _Arguments()
    words = _calls().get(call, "").split()
    for n, word in enumerate(words, 1):
        variable, _, form = word.partition(":")
        made.argument(n, variable, form)
    if call in _calls():
        made.lines.append(f"    argstr = {made.text()}")
    else:
        reason = "the arguments of this call have no names here; pointer_arg(1) and the like read them"
        made.lines.append(f'    argstr = __ktrace_unreadable("{reason}")')
    returned = 2 if call in _HEXADECIMAL_RETURNS else 3 if call == "umask" else 1
    return _ONE.format(prefix=prefix, name=name, call=call, variables="\n".join(made.lines), form=returned)


@dataclass(slots=True)
class _Arguments:
    """The statements of an alias that give its variables their values.

    Attributes:
        lines: the statements.
        formats, values: the format of each argument in `argstr`, and its value.
        last: the text after them, an expression.
    """

    lines: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    last: str = ""

    def argument(self, n: int, variable: str, form: str) -> None:
        """Add the Nth argument, from 1."""
        if form in _FORMS:
            value, shown = _FORMS[form]
            self.lines.append(f"    {variable} = {value.format(n=n)}")
            if form == "creat":
                created = f"(int_arg({n - 1}) & 0x40 || (int_arg({n - 1}) & 0x410000) == 0x410000)"
                self.last = f' . ({created} ? sprintf(", {shown}", {variable}) : "")'
            elif shown:
                self._show(shown, variable)
            return
        kind, _, names = form.partition(".")
        pointer = f"pointer_arg({n})"
        stem = variable.removesuffix("_uaddr")
        if form == "s":
            self._set(stem, f"__ktrace_path({pointer}, user_string({pointer}))")
            self._set(f"{stem}_unquoted", f"user_string({pointer})")
            self._set(f"{stem}_uaddr", pointer)
            self._show("%s", stem)
            return
        if form in _POINTERS:
            words = [f"__ktrace_user_pointer({pointer}, {i})" for i in range(4)]
            value = _POINTERS[form].format(*words, p=pointer, next=n + 1)
            self._set(variable, pointer)
        else:
            number = f"uint_arg({n})" if kind in ("f", "mknod") else f"int_arg({n})"
            value = {
                "f": f'__ktrace_flags("{names}", {number})',
                "n": f'__ktrace_named("{names}", {number})',
                "at": f"__ktrace_directory({number})",
                "sig": f"__ktrace_signal({number})",
                "mknod": f"__ktrace_node({number})",
            }[kind]
            self._set(variable, number)
        if form == "sig":
            self._set("sig_name", value)
        if form == "argv":
            self._set("args", value)
        self._set(f"{stem}_str", value)
        self._show("%s", f"{stem}_str")

    def text(self) -> str:
        """Return the expression of `argstr`."""
        if not self.formats:
            return '""'
        values = "".join(f", {value}" for value in self.values)
        return f'sprintf("{", ".join(self.formats)}"{values})' + self.last

    def _set(self, variable: str, value: str) -> None:
        self.lines.append(f"    {variable} = {value}")

    def _show(self, form: str, value: str) -> None:
        self.formats.append(form)
        self.values.append(value)
