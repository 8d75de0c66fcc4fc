"""Scripts that do no more than count: in the kernel and here it comes to the same."""

from dataclasses import dataclass

import pytest

from ktrace.host.local import LocalHost
from ktrace.kernel.kernel import Kernel
from ktrace.tracefs.mount import find_debug, find_tracing

# Writes of 777 bytes by a shell under several names: with blanks, as of a number, as of a row of the table.
NAMES = r"""
write() { printf '%0777d' 0 > /dev/null; }
call() { printf "$1" > /proc/$$/comm; write; }
call plain; write; write
call 'a b'
call 'end '; write
call 'end  '
call end
call 123
call 'new\nline'
call '} hitcount: 9'
call 'a\377b'
"""
SIZES = 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); printf "%0$((1000+i))d" 0 > /dev/null; done\n'
FEW = "for i in 1 2 3 4 5; do dd if=/dev/zero of=/dev/null bs=777 count=$i status=none; done\n"


@dataclass(frozen=True)
class Case:
    """A script that the kernel can count for.

    Attributes:
        expected: what it prints; None: whatever it prints here.
        options: of `ktrace run`.
        status: of the run.
    """

    work: str
    script: str
    expected: str | None
    options: tuple[str, ...] = ()
    status: int = 0


CASES = {
    "names": Case(
        NAMES,
        'global n, s, t probe kernel.function("vfs_write") '
        '{ if ($count == 777) { n[execname()]++; t++; s["x", execname(), $count] <<< 2 } } '
        'probe end { foreach (k in n) printf("%s %d\\n", text_str(k), n[k]); println(t); '
        "foreach ([a, k, c] in s) "
        'printf("%s %d %d %d\\n", text_str(k), c, @count(s[a, k, c]), @sum(s[a, k, c])) }',
        "123 1\na b 1\na\\377b 1\nend 1\nend  2\nend   1\nnew\\nline 1\nplain 3\n} hitcount: 9 1\n12\n"
        "123 777 1 2\na b 777 1 2\na\\377b 777 1 2\nend 777 1 2\nend  777 2 4\nend   777 1 2\n"
        "new\\nline 777 1 2\nplain 777 3 6\n} hitcount: 9 777 1 2\n",
    ),
    "sizes": Case(
        SIZES,
        'global n, s, b probe kernel.function("vfs_write") '
        '{ if (execname() != "sh" || $count <= 1000) next; c = $count; n[c]++; s <<< c; b += c } '
        "probe end { foreach (c+ in n limit 2) println(c); foreach (c- in n limit 1) println(c); "
        'k = 0; foreach (c in n) k += n[c]; printf("%d %d %d %d %d\\n", k, b, @count(s), @sum(s), @avg(s)) }',
        "1001\n1002\n1300\n300 345150 300 345150 1150\n",
    ),
    "negative numbers": Case(
        "for i in 1 2 3; do dd if=/ of=/dev/null status=none 2> /dev/null; done; true\n",
        'global r, s, t probe kernel.function("vfs_read").return '
        '{ if (execname() == "dd") { r[$return]++; s <<< $return; '
        "t += $return > 0 ? 0 : $return } } "
        'probe end { foreach (k+ in r limit 1) printf("%d %d %d\\n", k, r[k], t) printf("%d\\n", @sum(s)) }',
        None,
    ),
    "a value under a condition": Case(
        FEW + "dd if=/ of=/dev/null status=none 2> /dev/null; true\n",
        "global n, s probe vfs.read.return "
        '{ if (execname() == "dd") { n[execname()] += bytes_read; s[execname()] <<< error } } '
        'probe end { foreach (k in n) printf("%s %d %d %d\\n", k, n[k], @count(s[k]), @sum(s[k])) }',
        None,
    ),
    "several functions": Case(
        FEW,
        'global n, m probe kernel.function("vfs_read"), kernel.function("vfs_write") '
        "{ if ($count == 777) { n[probefunc()]++; m[probefunc(), execname()] -= 2 } } "
        'probe end { foreach (k in n) printf("%s %d %d\\n", k, n[k], m[k, "dd"]) }',
        "vfs_read 15 -30\nvfs_write 15 -30\n",
    ),
    "in order": Case(
        FEW,
        'global n probe kernel.function("vfs_read") { if ($count == 777) n[tid()]++ } '
        "probe end { foreach (t in n- limit 2) println(n[t]); foreach (t in n+ limit 2) println(n[t]) }",
        "5\n4\n1\n2\n",
    ),
    "a full array": Case(
        FEW,
        'global n[4] probe kernel.function("vfs_read") { if ($count == 777) n[tid()]++ } '
        'probe end { println("not reached") }',
        "",
        status=1,
    ),
    "a full array of more than the table": Case(
        SIZES,
        'global n probe kernel.function("vfs_write") { if ($count > 1000) n[$count]++ } probe end { exit() }',
        "",
        ("-D", "MAXMAPENTRIES=100"),
        status=1,
    ),
    "just enough room": Case(
        FEW,
        'global n[5] probe kernel.function("vfs_read") { if ($count == 777) n[tid()]++ } '
        "probe end { s = 0; foreach (t in n) s += n[t]; println(s) }",
        "15\n",
    ),
    "changed meanwhile": Case(
        FEW,
        "global n, s, t, c probe begin { n = 100; c[-1] = 7 } "
        'probe kernel.function("vfs_read") { if ($count == 777) { n++; c[cpu()] += 1 s[cpu()] <<< 1 } } '
        "probe timer.ms(50) { t += n; n = 0; foreach (k in s) t += 1000 * @count(s[k]); delete s } "
        "probe end { t += n; foreach (k in s) t += 1000 * @count(s[k]); println(t); "
        'k = 0; foreach (p in c) k += c[p]; printf("%d %d\\n", k, c[-1]) }',
        "15115\n22 7\n",
    ),
    "a timer ends it": Case(
        FEW + "sleep 100\n",
        'global n probe kernel.function("vfs_read") { if ($count == 777) n++ } '
        'probe timer.ms(50) { if (n == 15) { println("all") exit() } } probe end { println(n) }',
        "all\n15\n",
    ),
    "events that are there": Case(
        "sync; sync; sync\n",
        "global n, m probe syscall_any { n[name]++ } "
        'probe kernel.trace("sched:sched_process_exec") { m[$pid, tid()]++ } '
        'probe end { k = 0; foreach ([p, t] in m) k += m[p, t]; printf("%d %d\\n", n["sync"], k) }',
        "3 4\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_in_the_kernel_and_here_it_comes_to_the_same(name: str, ktrace, tmp_path, monkeypatch) -> None:
    case = CASES[name]
    (tmp_path / "work.sh").write_text(case.work)
    monkeypatch.chdir(tmp_path)
    words = [*case.options, "-e", case.script]
    kernel = Kernel(find_tracing(LocalHost()), find_debug(LocalHost()))
    plan = ktrace("run", "--plan", *words).out.partition("# Here:")[0]
    assert ("echo 'hist:" in plan or "echo hist:" in plan) is kernel.features.hist_triggers
    assert "hist:" not in ktrace("run", "--plan", "--no-pushdown", *words).out
    there = ktrace("run", "-c", "sh work.sh", *words, status=case.status)
    here = ktrace("run", "--no-pushdown", "-c", "sh work.sh", *words, status=case.status)
    assert (there.out, there.err) == (here.out, here.err)
    assert there.out == (here.out if case.expected is None else case.expected)
    assert there.out or case.status
    assert ("Array overflow" in there.err) is bool(case.status)


def test_a_full_array_ends_a_script_that_nothing_else_would_end(ktrace, forks) -> None:
    script = 'global n[2] probe kernel.function("vfs_read") { n[$count]++ }'
    done = ktrace("run", "-T", "600", "-e", script, status=1)
    assert "Array overflow, check size limit (2) near identifier 'n'" in done.err
