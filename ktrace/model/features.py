"""List the features of the kernel's tracing, and how each is found.

A feature is found by a line of the tracing directory's README, or by a file. Version numbers are printed,
but never compared, because distributions backport features to older kernels.
"""

from collections.abc import Callable
from dataclasses import field, fields

from ktrace.records import dataclass


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature, and how it is found.

    Attributes:
        name: the field of `Features`, and the key in `ktrace doctor --json`.
        gives: what ktrace can do with it, for people; "" if that need not be listed.
        readme: the text in README that shows it.
        after: the text in the same line of README that comes before `readme`; "" for any line.
        file: the file that shows it; below the tracing directory, or absolute.
        since: the first kernel that has it, for the documentation; "" for every kernel since 5.4.
    """

    name: str
    gives: str = ""
    readme: str = ""
    after: str = ""
    file: str = ""
    since: str = ""

    def is_in(self, readme: str) -> bool:
        """Return whether a README shows the feature."""
        if self.after:
            readme = readme.partition(self.after)[2].partition("\n")[0]
        return self.readme in readme


def _feature(*, gives: str = "", readme: str = "", after: str = "", file: str = "", since: str = "") -> bool:
    """Declare a field of `Features` together with what shows it."""
    how = {"gives": gives, "readme": readme, "after": after, "file": file, "since": since}
    made: bool = field(default=False, metadata=how)
    return made


@dataclass(frozen=True, slots=True)
class Features:
    """The features of one kernel; each field is True if it has that feature."""

    kprobes: bool = _feature(gives="probes at functions, offsets and returns", file="kprobe_events")
    uprobes: bool = _feature(gives="probes in programs", file="uprobe_events")
    return_suffix: bool = _feature(readme="%return", since="5.10")
    fprobe: bool = _feature(
        gives="fprobes", readme="f[:[<group>/][<event>]] <func-name>[%return]", since="6.5"
    )
    tracepoint_probe: bool = _feature(
        gives="tracepoint probes", readme="t[:[<group>/][<event>]] <tracepoint>", since="6.5"
    )
    eprobe: bool = _feature(gives="event probes", readme="<attached-group>.<attached-event>", since="5.15")
    btf_args: bool = _feature(gives="the kernel's $args", readme="<argname>", since="6.5")
    btf_members: bool = _feature(gives="the kernel's ->members", readme="<argname>[->field", since="6.6")
    entry_args_at_return: bool = _feature(
        gives="parameters at returns", readme="$arg<N>", after="kernel return probes support:", since="6.9"
    )
    this_cpu_read: bool = _feature(
        gives="this CPU's copy of a variable", readme="this_cpu_read(<fetcharg>)", since="7.3"
    )
    current_task: bool = _feature(gives="members of the current task", readme="$current", since="7.3")
    hist_triggers: bool = _feature(gives="histograms", readme="hist:keys=")
    synthetic_events: bool = _feature(gives="latencies", file="synthetic_events")
    common_stacktrace: bool = _feature(readme="common_stacktrace", since="6.5")
    snapshot: bool = _feature(gives="snapshots", file="snapshot")
    function_filter: bool = _feature(file="available_filter_functions")
    dentry_names: bool = _feature(gives="%pd names", readme="%pd/%pD", since="6.10")
    symstr: bool = _feature(gives="symstr", readme="symstr", since="6.2")

    @classmethod
    def find(cls, readme: str, exists: Callable[[str], bool] = lambda _: False) -> "Features":
        """Find the features by the text of README and the files of the tracing directory.

        Args:
            exists: returns whether there is a file below the tracing directory.
        """
        return cls(**{one.name: exists(one.file) if one.file else one.is_in(readme) for one in FEATURES})


FEATURES = tuple(Feature(one.name, **one.metadata) for one in fields(Features))
"""The features of tracefs, in the order of `Features`."""

ELSEWHERE = (
    Feature("all_kprobes", gives="everybody's kprobes in list", file="/sys/kernel/debug/kprobes/list"),
    Feature("btf", gives="BTF", file="/sys/kernel/btf/vmlinux"),
)
"""Features that other files show; those who read these files tell whether they are there."""


def table() -> list[tuple[str, ...]]:
    """Return the rows of the table in the documentation: name, what it gives, what shows it, since when."""
    return [
        (f"`{one.name}`", one.gives, f"`{one.file}`" if one.file else f"README: `{one.readme}`", one.since)
        for one in (*FEATURES, *ELSEWHERE)
    ]
