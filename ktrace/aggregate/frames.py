"""Remove the tracer's own frames from kernel stacks, and shorten frames to function names."""

import re

# Functions that the kernel calls from the hit until it takes the stack.
_OWN = re.compile(
    r"(?:0x[0-9a-f]+"
    r"|trace_event_\w+|trace_call_bpf|action_trace|event_hist_trigger|event_triggers_(?:post_)?call|__ftrace_trace_stack"
    r"|k(?:ret)?probe_\w+|__kprobe_\w+|__kretprobe_\w+|(?:pre|post)_handler_kretprobe|aggr_(?:pre|post)_handler"
    r"|opt_pre_handler|optimized_callback|rethook_\w+|arch_rethook_\w+|arch_ftrace_ops_list_func|ftrace_\w+"
    r"|__ftrace_\w+|fprobe_\w+|__fprobe_\w+|fentry_\w+|fexit_\w+|function_graph_\w+|return_to_handler"
    r"|__traceiter_\w+|do_int3|exc_int3|asm_exc_int3|notifier_call_chain|notify_die|perf_trace_\w+"
    r"|stacktrace_\w+|event_trigger_\w+|trampoline_handler|\[unknown/kretprobe'd\])\Z"
)


def function_of(frame: str) -> str:
    """Return `vfs_read` for `vfs_read+0x5/0x310`. A frame without a function is returned unchanged."""
    return frame if frame.startswith(("0x", "<", "/")) else frame.partition("+")[0]


def without_own(frames: tuple[str, ...]) -> tuple[str, ...]:
    """Return the stack without the tracer's frames, which are the innermost ones."""
    start = 0
    while start < len(frames) and _OWN.match(frames[start].partition("+")[0]):
        start += 1
    return frames[start:] or frames


def functions(frames: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of a stack's functions, the innermost first, without the tracer's."""
    return tuple(map(function_of, without_own(frames)))
