import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ktrace.model.plan import Plan, Step

# What a control file may be given: anything that is one line.
ONE_LINE = st.text(st.characters(codec="utf-8", exclude_characters="\0\n"))


def shell(script: str) -> str:
    done = subprocess.run(["sh"], input=script.encode(), capture_output=True, check=True, timeout=10)
    return done.stdout.decode()


def test_an_appended_line():
    step = Step("kprobe_events", "p:g/a vfs_read x=%di", "why")
    assert step.to_shell("/t") == "echo 'p:g/a vfs_read x=%di' >> /t/kprobe_events"


def test_values_are_appended_too_since_a_truncating_open_deletes_definitions():
    assert Step("events/g/a/enable", "1", "why", action="write").to_shell("/t") == (
        "echo 1 >> /t/events/g/a/enable"
    )


@pytest.mark.parametrize("action", ["mkdir", "rmdir"])
def test_directories(action):
    assert Step("instances/a b", "", "why", action=action).to_shell("/t") == f"{action} '/t/instances/a b'"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(ONE_LINE, min_size=20, max_size=60), name=st.text("ab '\"$`\\*;", min_size=1))
@example(texts=["p:g/a f x=\\0x41 y=\\c z=\\n"], name="a")  # sh's echo would read these escapes
@example(texts=["-n", "-e", "-ne", "", "'", "$(id)", "`id`", "a;b", "!x", "#", "~", "*"], name="-x")
def test_a_shell_writes_exactly_the_text(tmp_path, texts, name):
    target = tmp_path / ("d" + name)
    target.unlink(missing_ok=True)
    steps = tuple(Step(target.name, text, "why") for text in texts)
    shell("\n".join(Plan(steps).to_shell(str(tmp_path))))
    assert target.read_bytes() == "".join(text + "\n" for text in texts).encode()


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
@example("x\necho harm")
@example("x\recho harm")
def test_a_reason_never_becomes_a_command(why):
    assert shell("\n".join(Plan((Step("null", "1", why),)).to_shell("/dev"))) == ""


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed here")
def test_bash_reads_the_lines_like_sh(tmp_path):
    texts = ["p:g/a f x=\\0x41", "-n", "a'b", '\\"str"', "!x"]
    script = "\n".join(Step("out", text, "why").to_shell(str(tmp_path)) for text in texts)
    subprocess.run(["bash", "-c", script], check=True, timeout=10)
    assert (tmp_path / "out").read_text().splitlines() == texts


UNDO_A = Step("a", "0", "a off")
UNDO_B = Step("b", "0", "b off")
A = Step("a", "1", "a on", UNDO_A)
B = Step("b", "1", "b on", UNDO_B)
C = Step("c", "1", "c on")


def test_undone_in_reverse_without_what_needs_no_undoing():
    assert Plan((A, C, B)).undo() == Plan((UNDO_B, UNDO_A))


def test_plans_add_up_in_order():
    assert Plan((A,)) + Plan((B, C)) == Plan((A, B, C))
    assert Plan() + Plan() == Plan()


def test_below_moves_the_undoing_too():
    moved = A.below("instances/x")
    assert (moved.path, moved.undo.path) == ("instances/x/a", "instances/x/a")
    assert (moved.text, moved.undo.text, moved.why) == ("1", "0", "a on")
    assert C.below("x").undo is None


def test_each_step_has_its_reason_above_it():
    assert list(Plan((A, C)).to_shell("/t")) == ["# a on", "echo 1 >> /t/a", "# c on", "echo 1 >> /t/c"]


def test_what_could_steer_a_terminal_is_in_octal_and_comes_out_whole(tmp_path):
    """A file's name may hold anything, and the line is printed before it is pasted."""
    text = "p:g/n /bin/a\x1b[2J%s\\n'\udc9b:0x10 é"
    line = Step("uprobe_events", text, "probe \x1b]0;t\x07").to_shell(str(tmp_path))
    shown = "".join(Plan((Step("uprobe_events", text, "probe \x1b]0;t\x07"),)).to_shell(str(tmp_path)))
    assert shown.replace(line, "") == "# probe \\x1b]0;t\\x07" and line.isprintable()
    for shell in ("sh", "bash"):
        subprocess.run([shell, "-c", line], check=True)
    assert (tmp_path / "uprobe_events").read_bytes() == (text + "\n").encode("utf-8", "surrogateescape") * 2
