import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ktrace.capture.graph_functions import Following
from ktrace.errors import Busy, KtraceError, NotFound, Refused
from ktrace.host.local import LocalHost
from ktrace.kernel.kernel import Kernel
from ktrace.probes.clean import clean, find_leftovers
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.tracefs.instances import Owner
from tests.unit.tracefs.graph_files import GraphFiles

ME = Owner.of_this_process(LocalHost())
DEAD = replace(ME, starttime=ME.starttime - 1)  # this id, but another process
OTHER = Owner.of_process(LocalHost(), os.getppid())  # lives as long as this test does
assert OTHER is not None
SYMBOLS = b"".join(
    b"ffffffff8100%04x T %s\n" % (16 * i, name)
    for i, name in enumerate((b"vfs_read", b"kernel_clone", b"mutex_lock", b"notrace_thing"))
)


@pytest.fixture
def files(tmp_path: Path) -> GraphFiles:
    return GraphFiles(tmp_path)


def following(files: GraphFiles, *words: str, depth: int | None = None, owner: str = ME.name) -> Following:
    """A stand-in for a session that has an instance."""
    if owner not in files.list("instances"):
        files.mkdir(f"instances/{owner}")
        files.done.clear()
    kernel = Kernel(files, None, machine="x86_64", load_symbols=lambda: Kallsyms(SYMBOLS))
    return Following(kernel, owner, words, depth)


def instances(files: GraphFiles) -> list[str]:
    """The notes."""
    return [name for name in files.list("instances") if "_graph" in name]


def untouched(files: GraphFiles) -> bool:
    return not files.listed() and files.read("max_graph_depth") == "0\n" and not instances(files)


def test_functions_are_followed_for_a_while(files: GraphFiles) -> None:
    with following(files, "vfs_read*", "mutex_lock") as followed:
        assert followed.functions == {"vfs_read", "vfs_readv", "mutex_lock"}
        assert files.listed() == ["mutex_lock", "vfs_read", "vfs_readv"]
        assert instances(files) == [f"{ME.name}_graph"] and followed.notes == []
        assert followed.patterns == ["vfs_read*", "mutex_lock"]
    assert untouched(files)


def test_the_note_is_there_before_what_it_notes_and_goes_behind_it(files: GraphFiles) -> None:
    note = f"instances/{ME.name}_graph"
    with following(files, "vfs_read"):
        pass
    assert files.done == [
        (f"instances/{ME.name}/set_ftrace_filter", "vfs_read"),
        (f"instances/{ME.name}/set_ftrace_filter", "!vfs_read"),
        (note, "mkdir"),
        (f"{note}/set_ftrace_filter", "vfs_read"),
        ("set_graph_function", "vfs_read"),
        ("set_graph_function", "!vfs_read"),
        (note, "rmdir"),
    ]


def test_depth_is_the_kernels_where_nobody_else_is(files: GraphFiles) -> None:
    with following(files, "vfs_read", depth=3):
        assert files.read("max_graph_depth") == "3\n" and instances(files) == [f"{ME.name}_graph_3"]
    assert untouched(files)


def test_depth_is_left_alone_beside_others(files: GraphFiles) -> None:
    files.buffer("somebodys")
    with following(files, "vfs_read", depth=3):
        assert files.read("max_graph_depth") == "0\n"


def test_a_depth_that_is_too_small_says_whose_it_is(files: GraphFiles) -> None:
    with following(files, "vfs_read", depth=2):
        with following(files, "vfs_write", depth=2, owner=OTHER.name):
            pass
        for deeper in (None, 3):
            with pytest.raises(Busy) as caught, following(files, "vfs_write", depth=deeper):
                pass
            assert ME.name in (caught.value.hint or "")
        assert files.listed() == ["vfs_read"]
    files.put("max_graph_depth", "4\n")
    with pytest.raises(Busy) as caught, following(files, "vfs_write"):
        pass
    assert "echo 0 >>" in (caught.value.hint or "")


def test_what_two_sessions_follow_stays_until_the_last_ends(files: GraphFiles) -> None:
    with following(files, "vfs_read", "vfs_write"):
        files.buffer(ME.name)
        with following(files, "vfs_read", owner=OTHER.name) as second:
            assert sorted(files.listed()) == ["vfs_read", "vfs_write"] and second.notes == []
        assert sorted(files.listed()) == ["vfs_read", "vfs_write"]
    assert untouched(files)


def test_what_somebody_listed_before_is_not_removed(files: GraphFiles) -> None:
    files.put("set_graph_function", "vfs_read\n")
    with following(files, "vfs_read", "vfs_write") as followed:
        assert followed.functions == {"vfs_read", "vfs_write"}
    assert files.listed() == ["vfs_read"]


@pytest.mark.parametrize("where", ["", "somebodys"])
def test_another_tools_list_is_left_alone(files: GraphFiles, where: str) -> None:
    """A tracer that follows all functions would otherwise only follow ours."""
    if where:
        files.buffer(where)
    else:
        files.put("current_tracer", "function_graph\n")
    with following(files, "vfs_read") as followed:
        assert not files.listed() and followed.functions == {"vfs_read"}
        assert "another tool follows all functions" in followed.notes[0]
        assert not any(name.endswith("_graph") for name in instances(files))
    files.put("set_graph_function", "vfs_read\nvfs_write\n")
    with following(files, "vfs_read") as followed:
        assert followed.notes == []
    with pytest.raises(Busy, match="but not of mutex_lock"), following(files, "vfs_read", "mutex_lock"):
        pass
    assert files.listed() == ["vfs_read", "vfs_write"]


def test_a_renamed_function_is_found(files: GraphFiles) -> None:
    with following(files, "do_fork") as followed:
        assert files.listed() == ["kernel_clone"]
        assert followed.notes == ["do_fork is kernel_clone in this kernel"]


def test_what_cannot_be_followed_is_explained_and_leaves_nothing(files: GraphFiles) -> None:
    files.put("available_filter_functions", "vfs_read\n")
    with pytest.raises(NotFound, match="no function is called 'vfs_raed'"), following(files, "vfs_raed"):
        pass
    with pytest.raises(Refused, match="notrace"), following(files, "vfs_read", "notrace_thing"):
        pass
    assert untouched(files)
    files.refuse["set_graph_function"] = errno.EBUSY
    with pytest.raises(OSError), following(files, "vfs_read"):
        pass
    assert untouched(files)


def test_what_could_not_be_taken_back_is_said(files: GraphFiles) -> None:
    with pytest.raises(KtraceError, match="'!vfs_read' >>"), following(files, "vfs_read"):
        files.refuse["set_graph_function"] = errno.EPERM


def test_what_sigkill_leaves_is_cleaned(files: GraphFiles) -> None:
    files.put("dynamic_events", "")
    dead = following(files, "vfs_read", "vfs_write", depth=3, owner=DEAD.name)
    dead.__enter__()
    files.buffer(DEAD.name)
    files.done.clear()
    (leftover,) = find_leftovers(files)
    assert clean(files, leftover) == []
    assert files.done == [
        (f"instances/{DEAD.name}", "rmdir"),
        ("set_graph_function", "!vfs_read"),
        ("set_graph_function", "!vfs_write"),
        ("max_graph_depth", "0"),
        (f"instances/{DEAD.name}_graph_3", "rmdir"),
    ]
    assert untouched(files)


def test_a_live_sessions_functions_stay_when_a_dead_ones_are_cleaned(files: GraphFiles) -> None:
    files.put("dynamic_events", "")
    following(files, "vfs_read", "vfs_write", owner=DEAD.name).__enter__()
    with following(files, "vfs_read"):
        (leftover,) = find_leftovers(files)
        assert clean(files, leftover) == []
        assert files.listed() == ["vfs_read"]
    assert untouched(files)


def test_the_top_buffer_is_put_in_order_by_what_is_noted(files: GraphFiles) -> None:
    for name in ("set_ftrace_pid", "set_ftrace_notrace_pid", "trace_options", "trace", "tracing_on"):
        files.put(name, "7\n")
    followed = Following(
        Kernel(files, None, machine="x86_64", load_symbols=lambda: Kallsyms(SYMBOLS)),
        ME.name,
        ("vfs_read",),
        2,
        top=True,
    )
    files.mkdir(f"instances/{ME.name}")
    with followed:
        assert instances(files) == [f"{ME.name}_graph_top_2"] and files.read("max_graph_depth") == "2\n"
        files.write("current_tracer", "function_graph")
        files.write("tracing_on", "0")
    assert untouched(files) and files.read("current_tracer") == "nop\n"
    assert files.read("set_ftrace_pid") == files.read("set_ftrace_notrace_pid") == files.read("trace") == ""
    assert files.read("tracing_on").endswith("1\n") and "nofunction-fork" in files.read("trace_options")


def test_what_a_killed_one_left_in_the_top_buffer_clean_finds(files: GraphFiles) -> None:
    for name in ("set_ftrace_pid", "set_ftrace_notrace_pid", "trace_options", "trace", "tracing_on"):
        files.put(name, "7\n")
    for name in ("kprobe_events", "uprobe_events"):
        files.put(name, "")
    files.mkdir(f"instances/{DEAD.name}_graph_top")
    files.write("current_tracer", "function_graph")
    (left,) = find_leftovers(files)
    assert clean(files, left) == [] and files.read("current_tracer") == "nop\n"
    assert files.read("set_ftrace_pid") == "" and not instances(files)


def test_records_stay_where_somebody_has_begun_to_use_the_top_buffer(files: GraphFiles) -> None:
    for name in ("set_ftrace_pid", "set_ftrace_notrace_pid", "trace_options", "trace", "tracing_on"):
        files.put(name, "7\n")
    for name in ("kprobe_events", "uprobe_events"):
        files.put(name, "")
    files.mkdir(f"instances/{DEAD.name}_graph_top")
    files.put("set_event", "sched:sched_switch\n")
    (left,) = find_leftovers(files)
    assert clean(files, left) == [] and files.read("trace") == "7\n" and not instances(files)
