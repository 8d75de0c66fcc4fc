"""Find out what this kernel's tracing supports.

Features are detected by files and by lines in the tracing directory's README. Version numbers are printed,
but never compared.
"""

from dataclasses import dataclass

from ktrace.tracefs.files import Files

_README_LINES = {
    "return_suffix": "%return",
    "fprobe": "f[:[<group>/][<event>]] <func-name>[%return]",
    "tracepoint_probe": "t[:[<group>/][<event>]] <tracepoint>",
    "eprobe": "<attached-group>.<attached-event>",
    "btf_args": "<argname>",
    "btf_members": "<argname>[->field",
    "dentry_names": "%pd/%pD",
    "symstr": "symstr",
}


@dataclass(frozen=True, slots=True)
class Features:
    """The features of this kernel; each field is True if it has that feature."""

    kprobes: bool
    uprobes: bool
    hist_triggers: bool
    synthetic_events: bool
    snapshot: bool
    function_filter: bool
    return_suffix: bool
    fprobe: bool
    tracepoint_probe: bool
    eprobe: bool
    btf_args: bool
    btf_members: bool
    dentry_names: bool
    symstr: bool


def read_features(files: Files) -> Features:
    """Detect the features."""
    readme = files.read("README") if files.exists("README") else ""
    return Features(
        kprobes=files.exists("kprobe_events"),
        uprobes=files.exists("uprobe_events"),
        hist_triggers="trace(<synthetic_event>" in readme or "hist:keys=" in readme,
        synthetic_events=files.exists("synthetic_events"),
        snapshot=files.exists("snapshot"),
        function_filter=files.exists("available_filter_functions"),
        **{name: line in readme for name, line in _README_LINES.items()},
    )
