"""Scripts without a kernel, run as `ktrace run` does: how they end, and what a terminal sees of them."""

import os
import pty
import time

import pytest

from tests.unit.cli.full import begin, ended, full_pipe, interrupt

ENDLESS = ("-D", "MAXACTION=1000000000000", "-D", "MAXACTION_INTERRUPTIBLE=1000000000000")
LEFT = "ktrace: WARNING: a handler had not returned when the script's time was over: it was interrupted\n"


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setenv("KTRACE_GRACE", "1")


@pytest.mark.parametrize(
    "script",
    [
        "probe begin { while (1) {} } probe end { println(7) }",
        "probe timer.ms(1) { while (1) {} } probe end { println(7) }",
        "function f() { while (1) {} } probe begin { try { f() } catch {} } probe end { println(7) }",
    ],
    ids=["begin", "timer", "within try"],
)
def test_time_ends_a_handler_that_never_returns(script):
    status, out, err = ended(begin("run", *ENDLESS, "-T", "0.5", "-e", script))
    assert (status, out, err) == (0, "7\n", LEFT)


def test_end_probes_have_a_time_of_their_own():
    script = "probe begin { exit() } probe end(1) { println(1) while (1) {} } probe end(2) { println(2) }"
    status, out, err = ended(begin("run", *ENDLESS, "-e", script))
    assert status == 0 and out.startswith("1\n") and err == LEFT


def test_a_command_that_ends_ends_a_handler_that_never_returns():
    script = "probe timer.ms(1) { while (1) {} } probe end { println(7) }"
    status, out, err = ended(begin("run", *ENDLESS, "-c", "sleep 0.5", "-e", script))
    assert (status, out, err) == (0, "7\n", LEFT)


@pytest.mark.parametrize("twice", [False, True])
def test_a_signal_ends_a_handler_that_never_returns(twice):
    script = 'probe begin { println("go") } probe timer.ms(1) { while (1) {} } probe end { while (1) {} }'
    process = begin("run", *ENDLESS, "-e", script)
    assert process.stdout.readline() == b"go\n"
    interrupt(process)
    if twice:
        time.sleep(0.3)  # a signal that comes sooner is the same one
        interrupt(process)
    status, _, err = ended(process)
    assert status == 0 and err == LEFT


@pytest.mark.parametrize("how", ["-T", "exit", "INT"])
def test_an_output_that_nobody_takes_is_given_up(how):
    script = """
        global how
        probe begin { warn("on") if (how == "INT") println("x") }
        probe timer.ms(1) { println("x") if (how == "exit") exit() }
    """
    words = ["run", "-e", script, "-G", f"how={how}"]
    with full_pipe() as out:
        process = begin(*words, *(("-T", "1") if how == "-T" else ()), stdout=out)
        assert process.stderr.readline() == b"ktrace: WARNING: on\n"
        if how == "INT":
            time.sleep(0.3)  # until the line is on its way, which nobody takes
            interrupt(process)
        status, _, err = ended(process)
    assert status == (130 if how == "INT" else 1)
    assert err == "ktrace: WARNING: nobody reads the output: the rest of it is dropped\n"


def test_what_a_script_says_is_ktraces_and_escaped():
    hostile = 'sprintf("%c[31m%c]0;t%c%c[9D\\nktrace: x", 27, 27, 7, 155)'
    for call, kind in (("warn", "WARNING"), ("error", "ERROR")):
        status, out, err = ended(begin("run", "-e", f"probe begin {{ {call}({hostile}) exit() }}"))
        first, second, *rest = err.splitlines()
        assert first == f"ktrace: {kind}: \\x1b[31m\\x1b]0;t\\x07\\x9b[9D"
        assert second.startswith("  ktrace: x") and all(line.startswith("ktrace: ") for line in rest)
        assert out == "" and status == (1 if call == "error" else 0)


PRINTS = [
    "print(s)",
    "println(s)",
    'printf("%s", s)',
    'printd("|", s, 1)',
    'printdln(s, "a", "b")',
    "log(s)",
    'printf("%-20s", s)',
    'print(sprintf("%s", s))',
    'print(s . "x")',
]


@pytest.mark.parametrize("call", PRINTS)
def test_a_terminal_gets_no_escapes_of_data(call):
    script = f'probe begin {{ s = sprintf("%c[2J%c%cé%c", 27, 155, 7, 10); {call}; exit() }}'
    shown = on_terminal("run", "-e", script)
    assert b"\\x1b[2J\\x9b\\x07" in shown and "é".encode() in shown
    assert not set(shown) & {0x1B, 0x07} and b"\x9b" not in shown.replace("é".encode(), b"")
    status, out, _ = ended_raw("run", "-e", script)
    assert status == 0 and b"\x1b[2J\x9b\x07\xc3\xa9" in out, "a pipe gets the bytes"


def test_what_the_script_says_itself_is_its_own():
    script = r'probe begin { printf("\033[1m%s\033[m\n", "a") print("\033[7m") ansi_set_color(31) exit() }'
    assert on_terminal("run", "-e", script).count(b"\x1b[") == 4


def ended_raw(*argv):
    process = begin(*argv)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def on_terminal(*argv) -> bytes:
    main, side = pty.openpty()
    process = begin(*argv, stdout=side)
    os.close(side)
    shown = b""
    try:
        while piece := os.read(main, 4096):
            shown += piece
    except OSError:  # nobody has the other end any more
        pass
    os.close(main)
    assert process.wait(60) == 0, process.stderr.read()
    process.stderr.close()
    return shown
