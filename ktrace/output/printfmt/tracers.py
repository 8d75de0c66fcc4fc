"""The text of events of the kernel's tracers, whose `print fmt` says less (kernel/trace/trace_output.c).

The wordings are `print fmt`s. Where C has no expression for what the kernel does, they call a function of
`SPELLED`.
"""

from collections.abc import Callable

PRINT_FMTS = {
    "func_repeats": '"%pn <-%pn (repeats: %u, last_ts:%s)", REC->ip, REC->parent_ip, REC->count, '
    "__ktrace_time(REC->common_ts - ((u64)REC->top_delta_ts << 32 | REC->bottom_delta_ts))",
    "hwlat": '"#%-5u inner/outer(us): %4llu/%-5llu ts:%lld.%09ld count:%d%s", REC->seqnum, REC->duration, '
    "REC->outer_duration, REC->tv_sec, REC->tv_nsec, REC->count, "
    "__ktrace_nmis(REC->nmi_total_ts, REC->nmi_count)",
    "osnoise": '"%llu %10llu %s %7llu %6u %6u %6u %6u %6u", REC->runtime, REC->noise, '
    "__ktrace_available(REC->runtime, REC->noise), REC->max_sample, REC->hw_count, REC->nmi_count, "
    "REC->irq_count, REC->softirq_count, REC->thread_count",
    "timerlat": '"#%-5u context %6s timer_latency %9llu ns", REC->seqnum, __print_symbolic(REC->context, '
    '{ 0, "irq" }, { 1, "thread" }, { 2, "user-ret" }), REC->timer_latency',
    **{
        name: f'" %7d:%3d:%s {arrow} [%03d] %7d:%3d:%s %s", REC->prev_pid, REC->prev_prio, '
        "__ktrace_state(REC->prev_state), REC->next_cpu, REC->next_pid, REC->next_prio, "
        "__ktrace_state(REC->next_state), __ktrace_task(REC->next_pid)"
        for name, arrow in (("context_switch", "==>"), ("wakeup", "  +"))
    },
    "branch": '"[%s] %s:%s:%u", REC->correct ? "  ok  " : "  MISS  ", REC->func, REC->file, REC->line',
}
"""By event of the system `ftrace`; its name is not printed."""

GRAPHS = {
    "funcgraph_entry": '"              |  %*s%pn() {", (int)REC->depth * 2, "", REC->func',
    "funcgraph_retaddr_entry": '"              |  %*s%pn() { /* <-%pn */", (int)REC->depth * 2, "", '
    "REC->func, REC->retaddr",
    "funcgraph_exit": '"%s |  %*s}", __ktrace_duration(REC->rettime - REC->calltime), '
    '(int)REC->depth * 2, ""',
}
"""The same for calls, printed as trace-cmd does: the events' names precede them."""

WITH_ARGUMENTS = {
    "function": '"%pn%s <-%pn", REC->ip, __ktrace_arguments(REC->ip, REC->args), REC->parent_ip',
    "funcgraph_entry": '"             |  %*s%pn%s {", (int)REC->depth * 2, "", REC->func, '
    "__ktrace_call(REC->func, REC->args)",
    "funcgraph_retaddr_entry": '"             |  %*s%pn%s { /* <-%pn */", (int)REC->depth * 2, "", '
    "REC->func, __ktrace_call(REC->func, REC->args), REC->retaddr",
}
"""The same for calls whose arguments are recorded, from Linux 6.15 on."""

_STATES = "RSDTtXZPI"  # include/linux/sched.h, "task_index_to_char"

_GROUPS = (
    (1_000_000_000, "$"),
    (100_000_000, "@"),
    (10_000_000, "*"),
    (1_000_000, "#"),
    (100_000, "!"),
    (10_000, "+"),
)
"""Marks for durations above each number of nanoseconds: Documentation/trace/ftrace.rst, "function_graph"."""


def _duration(ns: int) -> str:
    mark = next((mark for least, mark in _GROUPS if ns > least), " ")
    # trace_print_graph_duration(): eight characters, of which up to three are digits of nanoseconds.
    micros = str(ns // 1000)
    digits = f"{micros}.{ns % 1000:03d}"[:8] if len(micros) < 7 else micros
    return f"{mark} {digits} us".ljust(13)


def _time(ns: int) -> str:
    micros = (ns + 500) // 1000
    return f" {micros // 1_000_000:5d}.{micros % 1_000_000:06d}"


def _state(index: int) -> str:
    return _STATES[index] if index < len(_STATES) else "?"


def _nmis(total: int, count: int) -> str:
    return f" nmi-total:{total} nmi-count:{count}" if count else ""


def _available(runtime: int, noise: int) -> str:
    ratio = max(runtime - noise, 0) * 10_000_000 // runtime if runtime else 0
    return f"{ratio // 100_000:3d}.{ratio % 100_000:05d}"


SPELLED: dict[str, tuple[Callable[..., str], int]] = {
    "__ktrace_duration": (_duration, 1),
    "__ktrace_time": (_time, 1),
    "__ktrace_state": (_state, 1),
    "__ktrace_nmis": (_nmis, 2),
    "__ktrace_available": (_available, 2),
}
"""The functions of these wordings, and their numbers of arguments, which are unsigned 64-bit integers."""
