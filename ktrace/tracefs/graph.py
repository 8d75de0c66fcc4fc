"""The function graph tracer's control files.

See Documentation/trace/ftrace.rst, "function graph tracer". On kernels that support it, an instance has its
own tracer, list of thread ids and function filter. But the functions whose calls are followed, and the depth,
are global: `set_graph_function`, `max_graph_depth`. Like probes, entries are added there for a while. Who
added them is recorded as an instance that records nothing and has them as its filter:

    SESSION_graph         set_ftrace_filter: the functions
    SESSION_graph_3       the same, and 3 is in max_graph_depth
    SESSION_graph_top     the same, and the tracer is on in the top buffer, which was unused

SESSION is the name of the session's own instance.
"""

import re
from collections.abc import Iterable

from ktrace.model.plan import Plan, Step
from ktrace.tracefs.files import Files
from ktrace.tracefs.holding import Judge, Life
from ktrace.tracefs.instances import Owner, all_buffers, list_instances

TRACER = "function_graph"
FOLLOWED = "set_graph_function"
DEPTH = "max_graph_depth"

_NOTE = re.compile(r"(ktrace_\d{1,10}_\d{1,20}(?:_4\d{9})?)_graph(_top)?(?:_(\d{1,10}))?\Z", re.ASCII)


def can_graph(files: Files) -> bool:
    """Return whether the tracer can be used in that buffer."""
    try:
        return TRACER in files.read("available_tracers").split()
    except OSError:
        return False


def tracer_step() -> Step:
    """Return the step that switches the tracer on; its undo switches it off."""
    undo = Step("current_tracer", "nop", "no tracer", action="write")
    return Step("current_tracer", TRACER, "record each call and its return", undo, action="write")


def read_functions(files: Files, path: str = FOLLOWED) -> list[str]:
    """Return the names in a list of functions, without modules; empty if it means all functions."""
    lines = files.read(path).splitlines()
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]


def read_depth(tracing: Files) -> int:
    """Return the depth to which calls are followed on this machine; 0 means no limit."""
    return int(tracing.read(DEPTH))


def users(tracing: Files) -> list[str]:
    """Return the buffers that use the tracer; the top buffer's name is empty."""
    found = []
    for name, files in all_buffers(tracing):
        try:
            if files.read("current_tracer").strip() == TRACER:
                found.append(name)
        except OSError:
            continue
    return found


def note_name(owner: str, depth: int | None, *, top: bool = False) -> str:
    """Return the name of the note for a session's additions; it shows whether the top buffer is used."""
    return f"{owner}_graph" + ("_top" if top else "") + (f"_{depth}" if depth else "")


def notes(tracing: Files, *, live: bool = True) -> list[str]:
    """Return the instances that are notes; `live` leaves out those of sessions known to be dead."""
    found = [name for name in list_instances(tracing) if _NOTE.match(name)]
    if not live or not found:
        return found
    with Judge(tracing) as judge:
        return [name for name in found if not _is_dead(judge, name)]


def _is_dead(judge: Judge, name: str) -> bool:
    owner = Owner.of_name(name)
    return owner is not None and judge.of(owner, [name, noter(name)]).life is Life.DEAD


def is_note(name: str) -> bool:
    """Return whether an instance of that name is the note of a session."""
    return _NOTE.match(name) is not None


def noter(name: str) -> str:
    """Return the session that made a note: the name of its instance."""
    match = _NOTE.match(name)
    return match[1] if match else ""


def noted(tracing: Files, names: Iterable[str]) -> set[str]:
    """Return the functions in these notes."""
    found: set[str] = set()
    for name in names:
        try:
            found.update(read_functions(tracing, f"instances/{name}/set_ftrace_filter"))
        except OSError:
            continue  # it has just been removed
    return found


def release(tracing: Files, name: str) -> Plan:
    """Return the plan that undoes what is noted. What another live session has noted too stays."""
    match = _NOTE.match(name)
    steps = list(_top_steps(tracing)) if match and match[2] else []
    kept = noted(tracing, (other for other in notes(tracing) if other != name))
    present = set(read_functions(tracing))
    steps += [
        Step(FOLLOWED, f"!{function}", f"calls of {function} are no longer followed")
        for function in sorted(noted(tracing, [name]) & present - kept)
    ]
    if match and match[3] and read_depth(tracing) == int(match[3]):
        steps.append(Step(DEPTH, "0", "calls are followed to any depth", action="write"))
    steps.append(Step(f"instances/{name}", "", f"remove the note {name}", action="rmdir"))
    return Plan(tuple(steps))


def _top_steps(tracing: Files) -> Iterable[Step]:
    """Yield the steps that return the top buffer to unused. Records stay if somebody else uses it by now."""
    tracer = tracing.read("current_tracer").strip()
    taken = tracer not in ("nop", TRACER) or bool(tracing.read("set_event").strip())
    if tracer == TRACER:
        yield Step("current_tracer", "nop", "no tracer in the top buffer", action="write")
    for name in ("set_ftrace_pid", "set_ftrace_notrace_pid"):
        if tracing.exists(name):
            yield Step(name, "", "all tasks", action="clear")
    yield Step("trace_options", "nofunction-fork", "option function-fork off")
    if not taken:
        yield Step("trace", "", "what was recorded goes", action="clear")
    yield Step("tracing_on", "1", "the top buffer takes events", action="write")
