"""Tell `SYSTEM:EVENT` from `MODULE:FUNCTION`, which look the same."""

from ktrace.errors import KtraceError, NotFound
from ktrace.kernel.kernel import Kernel
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import DEFAULT_GROUPS


def refuse_unknown_event(place: SymbolPlace, kernel: Kernel) -> None:
    """Refuse a misspelt event of an existing system.

    The kernel would take it for a function of a module that is not loaded, and wait for the module.

    Raises:
        NotFound: with the events that come closest.
    """
    system = place.module
    if system is None or not means_system(system, kernel):
        return
    try:
        if any(s.is_function and s.module is None for s in kernel.symbols.find(place.symbol)):
            return  # of a module that is built in
    except (KtraceError, OSError):
        return
    raise unknown_event(f"{system}:{place.symbol}", kernel)


def unknown_event(name: str, kernel: Kernel) -> NotFound:
    """Return the error for `SYSTEM:EVENT` or `SYSTEM:GLOB` that names nothing."""
    from ktrace.model.near import close_to  # noqa: PLC0415 -- only to explain a failure

    system, _, event = name.partition(":")
    try:
        events = [one for one in kernel.tracing.list(f"events/{system}") if one not in ("enable", "filter")]
    except OSError:
        events = []  # the system of probes, of which there are none
    near = [f"{system}:{one}" for one in close_to(event, events)]
    hint = (
        f"did you mean {' or '.join(near)}?"
        if near
        else f"ktrace list '{system}/*' shows those that there are"
    )
    if not near and events and system not in DEFAULT_GROUPS.values():
        hint = f"ktrace trace '{system}:*' traces all events of {system}"
    return NotFound(
        f"there is no event '{event}' in {system}, and no module called {system} is loaded", hint=hint
    )


def means_system(name: str, kernel: Kernel) -> bool:
    """Return whether the name before a colon is a system of events, and not a loaded module."""
    known = name in DEFAULT_GROUPS.values() or kernel.tracing.is_dir(f"events/{name}")
    return known and not _is_loaded(name, kernel)


def _is_loaded(module: str, kernel: Kernel) -> bool:
    name = module.replace("-", "_")
    try:
        text = kernel.tracing.host.read("/proc/modules")
    except FileNotFoundError:
        return False  # a kernel without modules
    except OSError:
        return True  # perhaps
    return any(line.split(" ", 1)[0] == name for line in text.splitlines())
