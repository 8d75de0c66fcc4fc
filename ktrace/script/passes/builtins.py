"""The built-in functions: their arguments, results and the event data that they need.

A signature is written `name(long, string=default): kind`. The function with the same name in `runtime`
implements it; it receives the values of `needs` before the arguments. A function with several signatures has
several lines. printf and the other print functions are in `printf_formats`.
"""

import re
from typing import cast

from ktrace.records import dataclass
from ktrace.script.language.ast import PROBE_WRITE, Kind
from ktrace.script.own_task import param_of
from ktrace.script.passes.refused_functions import REFUSED_FUNCTIONS


@dataclass(frozen=True, slots=True)
class Builtin:
    """A built-in function.

    Attributes:
        params: the kinds of its arguments.
        optional: how many of the last arguments are optional.
        returns: the kind of its result; None if it returns nothing (its value is then 0).
        needs: the event data that it needs, by the names in `context`.
        pure: whether a call can be removed if its value is not used.
        module: the module of `runtime` that implements it.
    """

    name: str
    params: tuple[Kind, ...]
    optional: int
    returns: Kind | None
    needs: tuple[str, ...]
    pure: bool
    module: str


# module [needs] [!]: signatures. `!` marks functions with side effects; `own` is the function's value at the
# event, of the task that hit it.
_TABLE = """
context tid: tid()
context pid: pid()
context comm: execname():string
context cpu: cpu()
context pid own: pgrp() sid()
context pid ts own: ppid() pexecname():string
context pid ts: cmdline_str():string cmdline_arg(long):string
context pid ts: cmdline_args(long,long?,string?):string env_var(string):string
context tid own: uid() euid() gid() egid() suid() sgid()
context point: pp():string
context name: pn():string
context func: probefunc():string ppfunc():string
context mod: probemod():string
context isreturn: is_return()
context func: registers_valid()
context usermode: user_mode()
context addr: addr()
context: __ktrace_descends(long)
context pid own: proc_mem_size() proc_mem_rss() proc_mem_shr() proc_mem_txt() proc_mem_data()
context: proc_mem_size(long) proc_mem_rss(long) proc_mem_shr(long) proc_mem_txt(long) proc_mem_data(long)
context tid own: task_utime() task_stime()
context ts: pid2execname(long):string __ktrace_task_parent(long) __ktrace_pstrace(long):string
context: target() stp_pid() module_name():string __ktrace_task(long)
context: __ktrace_task_pid(long) __ktrace_task_prio(long) __ktrace_task_nice(long)
context: __ktrace_task_state(long) __ktrace_task_cpu(long) __ktrace_task_start_time(long)
context: __ktrace_task_utime(long) __ktrace_task_stime(long) __ktrace_task_uid(long) __ktrace_task_euid(long)
context: __ktrace_task_gid(long) __ktrace_task_egid(long) __ktrace_task_open_files(long)
texts: __ktrace_checked(long,string,string) __ktrace_checked_text(string,string):string
texts !: __ktrace_wide(long):string
texts !: __ktrace_warned(long,string,string)
context: __ktrace_task_max_files(long) __ktrace_first_pids(long) __ktrace_first_users(long)
context: __ktrace_task_limit_cpu(long) __ktrace_task_limit_fsize(long) __ktrace_task_limit_data(long)
context: __ktrace_task_limit_stack(long) __ktrace_task_limit_core(long) __ktrace_task_limit_rss(long)
context: __ktrace_task_limit_nproc(long) __ktrace_task_limit_nofile(long) __ktrace_task_limit_memlock(long)
context: __ktrace_task_limit_as(long) __ktrace_task_limit_locks(long) __ktrace_task_limit_sigpending(long)
context: __ktrace_task_limit_msgqueue(long) __ktrace_task_limit_nice(long) __ktrace_task_limit_rtprio(long)
context: __ktrace_task_limit_rttime(long)
context: __ktrace_syscall_name(long):string syscall_num(string) __ktrace_signal_name(long):string
context: __ktrace_device_name(long):string sprint_loadavg():string get_loadavg_index(long)
context retval: returnval()
context retval: returnstr(long):string

clock ts: gettimeofday_ns() gettimeofday_us() gettimeofday_ms() gettimeofday_s()
clock ts: local_clock_ns() local_clock_us() local_clock_ms() local_clock_s()
clock ts: cpu_clock_ns(long) cpu_clock_us(long) cpu_clock_ms(long) cpu_clock_s(long)
clock ts: get_cycles() jiffies() ktime_get_ns()
clock ts: ctime(long?):string
clock: HZ() tz_ctime(long):string tz_gmtoff() tz_name():string

call_arguments: __ktrace_flags(string,long):string __ktrace_named(string,long):string
call_arguments: __ktrace_directory(long):string __ktrace_path(long,string):string
call_arguments: __ktrace_buffer(long,string,long):string __ktrace_signal(long):string
call_arguments: __ktrace_time(long,long,long,long):string __ktrace_node(long):string
call_arguments: __ktrace_times(long,long,long,long,long,long):string __ktrace_limits(long,long,long):string
call_arguments: __ktrace_sockaddr(long,long,long,long,string):string __ktrace_sigset(long,long):string
call_arguments: __ktrace_sigaction(long,long,long,long):string
call_arguments: __ktrace_sockaddr_part(string,long,long,long,long,long):string

texts: strlen(string) substr(string,long,long):string stringat(string,long) isinstr(string,string)
texts: strtol(string,long) str_replace(string,string,string):string isdigit(string)
texts: text_str(string):string text_strn(string,long,long):string
texts: tolower(string):string toupper(string):string
texts !: tokenize(string,string):string tokenize(string):string
texts: matched(long):string ngroups() matched_str():string
texts: bytes_to_string(long):string pages_to_string(long):string
texts: msecs_to_string(long):string usecs_to_string(long):string nsecs_to_string(long):string
texts: cputime_to_string(long):string

numbers: errno_str(long):string return_str(long,long):string
numbers: htons(long) ntohs(long) htonl(long) ntohl(long) htonll(long) ntohll(long)
numbers: ip_ntop(long):string format_ipaddr(long,long):string
numbers: __ktrace_ip6_ntop(long,long,long,long):string
numbers: MAJOR(long) MINOR(long) MKDEV(long,long) mem_page_size()
numbers !: randint(long)

floats: fp32_to_fp64(long) long_to_fp(long) string_to_fp(string) fp_to_string(long,long):string
floats: fp_to_long(long,long,long) fp_add(long,long) fp_sub(long,long) fp_mul(long,long) fp_div(long,long)
floats: fp_rem(long,long) fp_sqrt(long) fp_eq(long,long) fp_le(long,long) fp_lt(long,long)

screen !: ansi_clear_screen() ansi_set_color(long) ansi_set_color2(long,long) ansi_set_color3(long,long,long)
screen !: ansi_set_color(long,long) ansi_set_color(long,long,long)
screen !: ansi_reset_color() ansi_new_line() ansi_cursor_move(long,long)
screen !: ansi_cursor_hide() ansi_cursor_save() ansi_cursor_restore() ansi_cursor_show()

indent comm tid ts !: thread_indent(long):string
indent tid !: thread_indent_depth(long)
indent ts !: indent(long):string
indent !: indent_depth(long)

speculation !: speculation() speculate(long,string) commit(long) discard(long)

served: __ktrace_value():string __ktrace_label(string,string):string __ktrace_json_metadata():string
served: __ktrace_json_data():string
served !: __ktrace_set_value(string):string __ktrace_append_value(string):string
served !: __ktrace_json_prefix(string) __ktrace_json_add(string,string,string,string)
served !: __ktrace_json_add_to(string,string,string,string,string) __ktrace_json_start()
served !: __ktrace_json_text(string,string) __ktrace_json_number(string,long)
served !: __ktrace_json_element_text(string,string,string,string)
served !: __ktrace_json_element_number(string,string,string,long)

control !: exit() exit(long) abort() error(string) warn(string) log(string) ftrace(string) system(string)
control !: switch_file() assert(long) assert(long,string)

stacks stack: backtrace():string sprint_backtrace():string callers(long):string caller():string
stacks stack: caller_addr() stack(long)
stacks stack !: print_backtrace() print_backtrace_fileline()
stacks ustack: ubacktrace():string uaddr() ustack(long) ucallers(long):string
stacks pid ustack: sprint_ubacktrace():string
stacks pid ustack !: print_ubacktrace() print_ubacktrace_brief()
stacks pid !: print_ustack(string) print_usyms(string)
stacks pid: usymfile(long):string usymline(long):string usymfileline(long):string
stacks pid ustack !: print_ubacktrace_fileline()
stacks pid: sprint_usyms(string):string sprint_ustack(string):string
stacks pid: usymname(long):string usymdata(long):string umodname(long):string
stacks !: print_stack(string) print_syms(string)
stacks: sprint_stack(string):string sprint_syms(string):string
stacks: symname(long):string symdata(long):string modname(long):string
stacks: symfile(long):string symline(long):string symfileline(long):string
"""

_SIGNATURE = re.compile(r"(\w+)\(([^)]*)\)(?::(\w+))?")
_NOTHING = frozenset(
    (
        *("exit", "abort", "error", "warn", "log", "ftrace", "system", "assert", "print_stack", "print_syms"),
        *("print_backtrace", "print_backtrace_fileline", "print_ubacktrace", "print_ubacktrace_brief"),
        *("print_ubacktrace_fileline", "print_ustack", "print_usyms"),
        *("speculate", "commit", "discard", "switch_file"),
    )
)


def _read() -> dict[str, tuple[Builtin, ...]]:
    found: dict[str, tuple[Builtin, ...]] = {}
    for line in filter(None, _TABLE.splitlines()):
        head, _, rest = line.partition(": ")
        module, *needs = head.split()
        pure = "!" not in needs
        for name, params, returns in _SIGNATURE.findall(rest):
            words = [p for p in params.split(",") if p]
            one = Builtin(
                name,
                tuple(cast(Kind, w.rstrip("?")) for w in words),
                sum(w.endswith("?") for w in words),
                cast(Kind, returns) or (None if name in _NOTHING or name.startswith("ansi_") else "long"),
                tuple(param_of(name) if n == "own" else n for n in needs if n != "!"),
                pure,
                module,
            )
            found[name] = (*found.get(name, ()), one)
    return found


BUILTINS = _read()
"""All signatures of each built-in function, by name."""

LIVES = frozenset(
    (
        *("ppid", "pexecname", "pid2execname", "cmdline_str", "cmdline_arg", "cmdline_args", "env_var"),
        *("__ktrace_task_parent", "__ktrace_pstrace"),
    )
)
"""Functions about processes that events tell of: they are followed while a script runs that uses one."""

AT_PROBES = frozenset(("ppid", "pexecname"))
"""Functions of `LIVES` whose value a probe may read itself."""

ADDRESSES = frozenset(one for one in BUILTINS if one.startswith(("sym", "print_s", "sprint_s"))) | {"modname"}
"""Functions that name addresses of the kernel."""

PROGRAMS = frozenset(("cmdline_str", "cmdline_arg", "cmdline_args", "env_var"))
"""Functions about the arguments and the environment of programs."""

PRINTS = frozenset(
    "print println printd printdln printf sprint sprintln sprintd sprintdln sprintf".split()  # noqa: SIM905
)
"""Functions that take values of any kind. Those that begin with `s` return a string."""

FETCHES = {
    "kernel_string": "string",
    "kernel_string_n": "string",
    "kernel_string_quoted": "string",
    "user_string": "ustring",
    "user_string_n": "ustring",
    "user_string_quoted": "ustring",
    "user_string_warn": "ustring",
    "user_string2": "ustring",
    "user_string2_warn": "ustring",
    "user_string2_n_warn": "ustring",
    "user_string_n2": "ustring",
    "user_string_n2_quoted": "ustring",
    "user_string_nofault": "ustring",
    "user_string_n_nofault": "ustring",
    "user_string_n_warn": "ustring",
    "user_string_n_quoted": "ustring",
    "kernel_string2": "string",
    "kernel_buffer_quoted": "string",
    "user_buffer_quoted": "ustring",
    "kernel_char": "u8",
    "kernel_short": "s16",
    "kernel_int": "s32",
    "kernel_long": "s64",
    "kernel_pointer": "u64",
    "user_char": "u8",
    "user_short": "s16",
    "user_ushort": "u16",
    "user_int": "s32",
    "user_long": "s64",
    "user_ulong": "u64",
    "user_int8": "s8",
    "user_uint8": "u8",
    "user_int16": "s16",
    "user_uint16": "u16",
    "user_int32": "s32",
    "user_uint32": "u32",
    "user_int64": "s64",
    "user_uint64": "u64",
    "d_name": "dname",
    "d_path": "path",
    "fullpath_struct_file": "path",
    "int_arg": "s32",
    "uint_arg": "u32",
    "long_arg": "s64",
    "ulong_arg": "u64",
    "longlong_arg": "s64",
    "ulonglong_arg": "u64",
    "pointer_arg": "u64",
    "s32_arg": "s32",
    "u32_arg": "u32",
    "s64_arg": "s64",
    "u64_arg": "u64",
    "register": "reg",
    "u_register": "reg",
}
"""Functions that read memory. The probe reads it when it is hit, with the fetch type given here."""

FETCHES |= {"kernel_buffer_quoted_error": "string", "user_buffer_quoted_error": "ustring"}

WIDE = {
    f"kernel_string{form}_utf{bits}": f"u{bits}[64]" for form in ("", "2", "_quoted") for bits in (16, 32)
}
"""Functions that read text of UTF-16 or UTF-32, as an array of 64 numbers, the longest that a probe reads.

The kernel refuses arrays of a program's memory (`+u0(%si):u16[64]`, Linux 6.12).
"""

FETCHES |= WIDE

AT_ADDRESS = frozenset(
    name
    for name, kind in FETCHES.items()
    if name.startswith(("kernel_", "user_")) and (kind[1:].isdigit() or name in WIDE)
)
"""Functions that read a number from memory. The `_arg` ones convert an argument to that size."""

LIMITED = frozenset(
    (
        *(
            "kernel_string_n",
            "user_string_n",
            "user_string_n_warn",
            "user_string_n_nofault",
            "user_string_n2",
        ),
        *("user_string2_n_warn", "user_string_n_quoted", "user_string_n2_quoted"),
        *(
            "kernel_buffer_quoted",
            "user_buffer_quoted",
            "kernel_buffer_quoted_error",
            "user_buffer_quoted_error",
        ),
    )
)
"""Functions whose second argument is the most bytes of the text; all of it if it is negative."""

MEMBERS = {
    "task_pid": ("task_struct", ("tgid",), "number"),
    "task_tid": ("task_struct", ("pid",), "number"),
    "task_execname": ("task_struct", ("comm",), "string"),
    "task_prio": ("task_struct", ("prio",), "number"),
    "task_parent": ("task_struct", ("real_parent",), "number"),
    "task_uid": ("task_struct", ("real_cred", "uid", "val"), "number"),
    "task_euid": ("task_struct", ("cred", "euid", "val"), "number"),
    "task_gid": ("task_struct", ("real_cred", "gid", "val"), "number"),
    "task_egid": ("task_struct", ("cred", "egid", "val"), "number"),
    "__ip_sock_family": ("sock", ("__sk_common", "skc_family"), "number"),
    "inet_sock_state": ("sock", ("__sk_common", "skc_state"), "number"),
}
"""Functions that read a member of a struct that a variable points to: its type, the path, the kind."""

FETCHES |= {name: "string" if kind == "string" else "u64" for name, (_, _, kind) in MEMBERS.items()}

UNREADABLE = "__ktrace_unreadable"
"""The value that the tapset gives to a variable that an alias cannot supply; its argument is the reason."""

REFUSED = REFUSED_FUNCTIONS | {
    PROBE_WRITE: "it tells an alias what the handler writes, and belongs in the alias",
    "pid2task": "a task is known by its number here: give it to task_execname() and its kin at once",
    "addr_to_node": "the node of a page is not known",
    "print_regs": 'registers are read one by one: register("rax")',
    "dump_stack": "nothing is written to the kernel's log",
    "panic": "ktrace changes nothing in the kernel",
    "mdelay": "ktrace does not stop the kernel",
    "udelay": "ktrace does not stop the kernel",
    "raise": "ktrace sends no signals from the kernel",
}
"""Functions that ktrace does not support, with the reason."""


def gives_text(name: str) -> bool:
    """Return whether a fetch function reads text."""
    return name in WIDE or FETCHES[name] in ("string", "ustring", "dname", "path")
