"""Scripts that run a second time, with the program that the first run has kept."""

import pytest

KEPT = "ktrace: the script was compiled by an earlier run"
LOAD = "dd if=/dev/zero of=/dev/null bs=777 count=5 status=none"

# Each prints a line for what LOAD does.
SCRIPTS = {
    "argument": 'probe kernel.function("vfs_read") { if ($count == 777) println(execname(), " ", $count) }',
    "return": 'probe kernel.function("vfs_read").return { if ($return == 777) println(@entry($count)) }',
    "count": """global n probe kernel.function("vfs_read") { if ($count == 777) n[$count]++ }
        probe end { println(n[777]) }""",
    "event": """global n probe kernel.trace("raw_syscalls:sys_enter") { if (pid() == target()) n++ }
        probe end { println(n > 10) }""",
    "system call": 'probe syscall.read { if (count == 777) println(name, " ", argstr != "") }',
    "wildcard": 'probe kernel.function("vfs_rea[d]") { if ($count == 777) println(probefunc()) }',
    "tapset": "probe vfs.read { if (bytes_to_read == 777) println(bytes_to_read) }",
    "only begin": 'probe begin { println("x") exit() }',
}


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_second_run_prints_the_same(ktrace, script: str) -> None:
    runs = [ktrace("run", "-v", "-T", "60", "-c", LOAD, "-e", script) for _ in range(2)]
    assert runs[0].out and [run.out for run in runs] == [runs[0].out] * 2
    assert [KEPT in run.err for run in runs] == [False, True]
    assert all("events in" in run.err and "% of a core" in run.err for run in runs)


def test_a_run_may_keep_nothing(ktrace, tmp_path) -> None:
    for _ in range(2):
        assert KEPT not in ktrace("run", "-v", "--no-cache", "-e", SCRIPTS["only begin"]).err
    assert not (tmp_path / "ktrace" / "scripts").exists()


def test_a_new_event_is_seen(ktrace) -> None:
    script = 'global n probe kernel.trace("mine_*") { n[pp()]++ } probe end { foreach (k+ in n) println(k) }'
    words = ("run", "-v", "-c", LOAD, "-e", script)
    try:
        ktrace("add", "--name", "mine_read", "vfs_read")
        assert "mine_read" in ktrace(*words).out
        assert KEPT in ktrace(*words).err
        ktrace("add", "--name", "mine_write", "vfs_write")
        run = ktrace(*words)
        assert KEPT not in run.err and "mine_read" in run.out and "mine_write" in run.out
    finally:
        ktrace("remove", "mine_*", status=None)
