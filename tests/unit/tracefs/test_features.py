from dataclasses import asdict

import pytest

from ktrace.tracefs.features import read_features
from tests.unit.tracefs.scripted import Scripted

LINES = {
    "return_suffix": "place (kprobe): [<module>:]<symbol>[+<offset>]%return",
    "fprobe": "f[:[<group>/][<event>]] <func-name>[%return] [<args>]",
    "tracepoint_probe": "t[:[<group>/][<event>]] <tracepoint> [<args>]",
    "eprobe": "e[:[<group>/][<event>]] <attached-group>.<attached-event> [<args>] [if <filter>]",
    "btf_args": "<argname>, $retval",
    "btf_members": "<argname>[->field[->field|.field...]]",
    "dentry_names": "type: %pd/%pD",
    "symstr": "symstr, <type>",
    "entry_args_at_return": "kernel return probes support: $retval, $arg<N>, $comm",
    "current_task": "$stack<index>, $stack, $retval, $comm, $arg<N>, $current",
    "this_cpu_read": "this_cpu_read(<fetcharg>)",
    "common_stacktrace": "keys can be common_stacktrace",
    "hist_triggers": "hist:keys=<field1[,field2,...]>",
}
FILES = {
    "kprobes": "kprobe_events",
    "uprobes": "uprobe_events",
    "synthetic_events": "synthetic_events",
    "snapshot": "snapshot",
    "function_filter": "available_filter_functions",
}
IMPLIED = {"fprobe": {"return_suffix"}, "btf_members": {"btf_args"}}


def had(files):
    return {name for name, has in asdict(read_features(files)).items() if has}


def test_nothing_at_all(tmp_path):
    assert had(Scripted(tmp_path)) == set()


@pytest.mark.parametrize("name", LINES)
def test_each_line_of_the_readme(tmp_path, name):
    assert had(Scripted(tmp_path, {"README": LINES[name] + "\n"})) == {name} | IMPLIED.get(name, set())


@pytest.mark.parametrize("name", FILES)
def test_each_file(tmp_path, name):
    assert had(Scripted(tmp_path, {FILES[name]: ""})) == {name}


def test_parameters_at_the_entry_are_not_parameters_at_the_return(tmp_path):
    readme = "fetcharg: $arg<N>\nkernel return probes support: $retval\nmore: $arg<N>\n"
    assert had(Scripted(tmp_path, {"README": readme})) == set()


def test_everything(tmp_path):
    tree = {"README": "\n".join(LINES.values()), **dict.fromkeys(FILES.values(), "")}
    assert had(Scripted(tmp_path, tree)) == {*LINES, *FILES}
