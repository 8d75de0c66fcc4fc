"""Aliases of system calls, generated for the calls that a script names.

`syscall_table` says which arguments a call has, and of what kind each is; `syscall_arguments` makes
statements that read them.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from ktrace.records import dataclass
from ktrace.script.kernel_interface import Machine
from ktrace.script.language.definitions import Point
from ktrace.script.tapset.syscall_arguments import Statements
from ktrace.script.tapset.syscall_table import Argument, arguments, read_table
from ktrace.symbols.syscalls import kernel_name

_MACHINES = {"arm64": "aarch64", "riscv": "riscv64"}
"""Architectures as SystemTap spells them, and as uname(2) does."""

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
probe {prefix}.{name} = __ktrace.syscall("{function}") {{
    name = "{call}"
{variables}
}}
probe {prefix}.{name}.return = __ktrace.syscall("{function}").return {{
    name = "{call}"
    retval = $return
    retstr = return_str({form}, $return)
}}
"""
_ALSO = """
probe {prefix}.{name} = {prefix}.__{name}{others} {{ }}
probe {prefix}.{name}.return = {prefix}.__{name}.return{others_return} {{ }}
"""
# Calls that 64-bit programs never make: send() is sendto there, mmap2() is mmap. As in SystemTap, the probe
# points exist, so that a script that names mmap and mmap2 sees each call once.
_NEVER = """
probe {prefix}.{name} = never {{
    name = "{name}"
    argstr = ""
    {variables} = 0
}}
probe {prefix}.{name}.return = never {{
    name = "{name}"
    retval = 0
    retstr = ""
}}
"""
_NEVER_CALLED = {
    "send": "s = len = flags = buf_uaddr",
    "recv": "s = size = len = flags = buf_uaddr",
    "mmap2": "start = length = prot = flags = fd = pgoffset",
}
"""The names of these calls, each with the variables of its alias."""

_OF_ONE_CALL = frozenset(("argstr", "pn", "pp", "ppfunc", "probefunc"))
"""Names whose values the single event for all calls does not have."""
_VARIANTS = {
    "epoll_create": ("epoll_create1",),
    "eventfd": ("eventfd2",),
    "fstatat": ("newfstatat",),
    "getdents": ("getdents64",),
    "inotify_init": ("inotify_init1",),
    "pipe": ("pipe2",),
    "pread": ("pread64",),
    "pwrite": ("pwrite64",),
    "signalfd": ("signalfd4",),
    "umount": ("umount2",),
}
"""Calls that SystemTap reports together, by its name for them. The name need not be a call."""


def syscall_aliases(
    prefix: str,
    points: Iterable[Point],
    machine: Machine | None,
    names: Iterable[str] = (),
    architecture: str = "x86_64",
    taken: Collection[str] = (),
) -> str:
    """Return script text with an alias for each call that a probe point names.

    `syscall.*` matches all calls. One kernel event reports all of them, unless the script asks for their
    arguments or for the probe point.

    Args:
        names: the names that the script reads.
        architecture: as in `Facts.arch`.
        taken: the names that the script gives values to.
    """
    made = _Aliases(prefix, _MACHINES.get(architecture, architecture), taken)
    hexadecimal = " || ".join(f'name == "{name}"' for name in _HEXADECIMAL_RETURNS)
    if prefix.endswith("_any"):
        return _ANY.format(name=prefix, hexadecimal=hexadecimal)
    asked = {p.parts[1].name for p in points if len(p.parts) > 1 and fnmatchcase(prefix, p.parts[0].name)}
    text = ""
    if "*" in asked and _OF_ONE_CALL.isdisjoint(names):
        text += _ANY.format(name=f"{prefix}.__any", hexadecimal=hexadecimal)
        asked.discard("*")
    for name, others in _VARIANTS.items():
        if name in asked:
            asked.discard(name)
            text += made.together(name, others, asked)
    for name in dict.fromkeys([*read_table(), *(machine.syscalls().values() if machine and asked else ())]):
        if any(name == one or ("*" in one and fnmatchcase(name, one)) for one in asked):
            text += made.alias(name, name)
    for name, variables in _NEVER_CALLED.items():
        if name in asked:
            text += _NEVER.format(prefix=prefix, name=name, variables=variables)
    return text


@dataclass(frozen=True, slots=True)
class _Aliases:
    """Makes aliases.

    Attributes:
        prefix: syscall or nd_syscall.
        uname: the machine, as in uname(2).
        taken: the names that the script gives values to.
    """

    prefix: str
    uname: str
    taken: Collection[str]

    def together(self, name: str, others: tuple[str, ...], asked: set[str]) -> str:
        """Return the aliases of a call and its variants, which must be asked for, too."""
        if name not in read_table():
            return "".join(self.alias(name, one) for one in others)
        asked.update(others)
        return self.alias(f"__{name}", name) + _ALSO.format(
            prefix=self.prefix,
            name=name,
            others="".join(f", {self.prefix}.{one} ?" for one in others),
            others_return="".join(f", {self.prefix}.{one}.return ?" for one in others),
        )

    def alias(self, name: str, call: str) -> str:
        """Return the aliases of a call's entry and return."""
        made = Statements(self.taken)
        for one in _in_order(call, self.uname):
            made.argument(one)
        if call in read_table():
            made.lines.append(f"    argstr = {made.text()}")
        else:
            reason = "the arguments of this call have no names here; pointer_arg(1) and the like read them"
            made.lines.append(f'    argstr = __ktrace_unreadable("{reason}")')
        returned = 2 if call in _HEXADECIMAL_RETURNS else 3 if call == "umask" else 1
        return _ONE.format(
            prefix=self.prefix,
            name=name,
            call=call,
            function=kernel_name(call, self.uname),
            variables="\n".join(made.lines),
            form=returned,
        )


def _in_order(call: str, uname: str) -> Sequence[Argument]:
    """Return the arguments as this machine has them. The table has the order of x86-64."""
    found = arguments(call)
    if call != "clone" or uname not in _MACHINES.values():
        return found
    # CONFIG_CLONE_BACKWARDS of arm64 and riscv: the last two are swapped.
    *first, child, tls = found
    return (*first, replace(tls, number=child.number), replace(child, number=tls.number))
