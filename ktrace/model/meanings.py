"""The meaning of values by C type, member, parameter and return value: the one table.

A type's own name decides first (`__be16`, `dev_t`), then the member (`open_how.flags`), then the function and
the parameter (`do_mmap`, `prot`). A number of an unlisted type has no meaning: its digits say it all.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ktrace.model.constant_names import MASKS, PLAIN, constants
from ktrace.model.format import Format
from ktrace.model.meaning import Meaning, Names
from ktrace.model.meaning_numbers import Table
from ktrace.model.printed_names import printed_names

BIG_ENDIAN = ("s390x", "ppc64")

BY_TYPE = {
    "__be16": "be16", "__be32": "be32", "__be64": "be64",
    "sa_family_t": "family", "__kernel_sa_family_t": "family",
    "dev_t": "dev", "__kernel_dev_t": "dev", "umode_t": "mode", "gfp_t": "gfp", "fmode_t": "fmode",
    "ktime_t": "time", "vm_flags_t": "vm", "blk_opf_t": "block operation",
    "struct in6_addr": "ip6", "struct sockaddr": "sockaddr", "struct sockaddr_in": "sockaddr",
    "struct sockaddr_in6": "sockaddr", "struct sockaddr_un": "sockaddr",
    "struct sockaddr_unsized": "sockaddr", "struct sockaddr_nl": "sockaddr", "struct sockaddr_ll": "sockaddr",
    "struct sockaddr_vm": "sockaddr",
    "struct sockaddr_storage": "sockaddr", "struct __kernel_sockaddr_storage": "sockaddr",
    "struct cpumask": "cpus", "cpumask_t": "cpus", "cpumask_var_t": "cpus",
}  # fmt: skip
"""By the name of a type. A typedef's own name comes before the names of what it stands for."""

BY_MEMBER = {
    "open_how.flags": "open", "open_how.mode": "mode", "open_flags.open_flag": "open", "file.f_flags": "open",
    "vm_area_struct.vm_flags": "vm", "vm_area_struct.__vm_flags": "vm", "kernel_clone_args.flags": "clone",
    "kernel_clone_args.exit_signal": "signal", "clone_args.flags": "clone",
    "clone_args.exit_signal": "signal",
    "sock_common.skc_daddr": "socket ip4", "sock_common.skc_rcv_saddr": "socket ip4",
    "inet_sock.inet_saddr": "socket ip4",
    "sock_common.skc_family": "family", "sock.sk_type": "socket type", "socket.type": "socket type",
    "sock.sk_protocol": "ip protocol", "sock_common.skc_state": "tcp state", "iphdr.protocol": "ip protocol",
    "ipv6hdr.nexthdr": "ip protocol",
    "flowi_common.flowic_proto": "ip protocol", "net_proto_family.family": "family",
    "proto_ops.family": "family", "sockaddr.sa_family": "family",
    "sk_buff.protocol": "ethernet protocol", "ethhdr.h_proto": "ethernet protocol",
    "kernel_siginfo.si_signo": "signal", "siginfo.si_signo": "signal", "ksignal.sig": "signal",
    "task_struct.exit_signal": "signal", "task_struct.pdeath_signal": "signal",
    "net_device.dev_addr": "mac", "net_device.perm_addr": "mac", "net_device.broadcast": "mac",
    "bio.bi_opf": "block operation", "request.cmd_flags": "block operation",
    "ethhdr.h_dest": "mac", "ethhdr.h_source": "mac", "neighbour.ha": "mac",
}  # fmt: skip
"""By `RECORD.MEMBER`, for members whose type says too little."""

_PARAMS: tuple[tuple[str, str, str], ...] = (
    (r".*", r"sig|signr|signo|signum", "signal"),
    (r".*", r"clone_flags", "clone"),
    (r".*", r"prot", "prot"),
    (r".*", r"err|error|errno", "error"),
    (r".*", r"vm_flags|newflags", "vm"),
    (r".*sock.*|.*_create", r"family|domain", "family"),
    (r".*sock.*", r"type", "socket type"),
    (r".*sock_create.*|.*socket.*|inet6?_create", r"protocol|proto", "ip protocol"),
    (r"(tcp|inet6?|inet_sk)_.*", r"state|newstate|oldstate", "tcp state"),
    (r"(do_|do_sys_|ksys_|sys_)?(open|openat|openat2|open_by_handle_at|filp_open)2?", r"flags", "open"),
    (r"dentry_open|file_open_root|do_dentry_open|alloc_file.*|path_openat", r"flags", "open"),
    (r"pipe2|do_pipe2|dup3|ksys_dup3|inotify_init1|eventfd2", r"flags", "open"),
    (r"(do_|ksys_)?mmap(2|_pgoff|_region)?|vm_mmap(_pgoff)?|mmap_region", r"flags?", "mmap"),
    (r"clone|unshare|ksys_unshare|copy_namespaces|setns", r"flags|unshare_flags|nstype", "clone"),
    (r"unlinkat", r"flags?", "unlink"),
)
"""Patterns of a function's and a parameter's name. System calls go by the call's name."""

_HARDWARE = re.compile(r"mac_addr|_hwaddr|^eth_")
"""Functions whose `struct sockaddr` holds a hardware address, and a device's type instead of a family."""

_ADDRESS = re.compile(r"addr|gw4?$|(^|_)ip$|mask$|(^|_)(dst|src)$|^ifa_|broadcast")
_BE32 = "be32"


@dataclass(frozen=True, slots=True)
class Described:
    """The facts about a value that decide its meaning.

    Attributes:
        types: the names of its type and of what that stands for: `umode_t`, `unsigned short`, `struct path`.
        member: `RECORD.MEMBER`, if it is a member.
        function: the function whose parameter it is, or the system call's name.
        name: the parameter's or the member's name.
        size: bytes; None if unknown.
        is_pointer: whether it is a pointer.
        is_signed: whether it is a signed integer.
        is_return: whether it is a return value.
    """

    types: tuple[str, ...] = ()
    member: str = ""
    function: str = ""
    name: str = ""
    size: int | None = None
    is_pointer: bool = False
    is_signed: bool = False
    is_return: bool = False


def word_for(value: Described) -> str | None:
    """Return the word of this table for a value's meaning; None if it has none."""
    if value.member in BY_MEMBER:
        return BY_MEMBER[value.member]
    word = next((BY_TYPE[name] for name in value.types if name in BY_TYPE), None)
    if value.is_return and word is None:
        is_error = value.is_pointer or value.size == 8 or (value.is_signed and value.size == 4)
        return "errno" if is_error else None
    if word == "sockaddr" and _HARDWARE.search(value.function):
        return "hwaddr"
    if word == _BE32 and _ADDRESS.search(value.name):
        return "ip4"
    if word or value.is_pointer or not value.function or (value.size or 0) < 4:
        return word
    for functions, names, meaning in _PARAMS:
        if re.fullmatch(names, value.name) and re.fullmatch(functions, value.function):
            return meaning
    return None


def meaning_for(
    word: str | None, machine: str, look_up: Callable[[str], Table] = lambda _: ()
) -> Meaning | None:
    """Return the meaning that a word of the table stands for, with the names of its constants.

    Args:
        machine: `uname -m`.
        look_up: returns the constants of a word of `FROM_KERNEL`.

    Returns:
        None for no word, and for one whose constants are not known.
    """
    big = machine in BIG_ENDIAN
    if word is None:
        return None
    if word in FROM_KERNEL:
        found = look_up(word)
        return Meaning("flags", found, mask=MASKS.get(word, 0)) if found else None
    if word == "ethernet protocol":
        return Meaning("protocol", constants(word, machine), big)
    if table := constants(word, machine):
        return Meaning("enum" if word in PLAIN else "flags", table, mask=MASKS.get(word, 0))
    return Meaning(word, constants("family", machine) if word == "sockaddr" else (), big)


_NAMED_FIELDS = ("sig", "clone_flags")
"""Fields of static events whose name alone says what they are."""

FROM_KERNEL = ("gfp", "block operation")
"""The words whose constants differ between kernels, which have to be asked."""


def of_format(form: Format, *, big: bool) -> dict[str, Names]:
    """Return how the fields of a static event read, by the types that its format spells.

    Args:
        big: whether the machine is big-endian.
    """
    machine = BIG_ENDIAN[0] if big else ""
    found: dict[str, Names] = {}
    is_call = form.system == "syscalls"
    for field in form.args:
        if is_call and field.name == "ret":
            found[field.name] = Meaning("errno")
            continue
        types = (field.ctype.removeprefix("const ").strip(),)
        function = re.sub("^sys_(enter|exit)_", "", form.name) if is_call and field.shape == "scalar" else ""
        about = Described(types, function=function, name=field.name, size=4)
        meaning = meaning_for(word_for(about), machine)
        if meaning is not None and (meaning.takes_all == (field.shape == "array")) and "*" not in types[0]:
            found[field.name] = meaning
    return found


def of_filter(form: Format, *, big: bool) -> dict[str, Names]:
    """Return how a filter may spell the values of a static event's fields.

    They are those of `of_format`, and the names that the event's text has, which JSON does not repeat.
    """
    by_name = {}
    for field in form.args:
        about = Described(function=f"{form.system}:{form.name}", name=field.name, size=4)
        if field.shape == "scalar" and field.name in _NAMED_FIELDS:
            by_name[field.name] = meaning_for(word_for(about), "")
    known = {name: one for name, one in by_name.items() if one is not None}
    return {**known, **printed_names(form.print_fmt), **of_format(form, big=big)}
