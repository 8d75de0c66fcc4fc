from pathlib import Path

from ktrace.host.local import LocalHost
from ktrace.stream.saved_names import LiveNames, SavedNames, comm_of, saved_name
from ktrace.tracefs.files import Files

TEXT = "1 init\n12 two words\n7 with\nnewline\n9 <...>\n123 a\n"


def test_one_text() -> None:
    names = SavedNames(TEXT)
    assert names([1, 12, 7, 5, 9]) == {1: "init", 12: "two words", 7: "with\nnewline"}
    assert SavedNames("")([1]) == {}


def test_one_name() -> None:
    assert [saved_name(TEXT, pid) for pid in (1, 12, 7, 9, 23, 2)] == [
        "init", "two words", "with\nnewline", None, None, None
    ]  # fmt: skip


def test_names_of_tasks_that_live_and_that_have_ended(tmp_path: Path) -> None:
    (tmp_path / "5").mkdir()
    (tmp_path / "5/comm").write_bytes(b"caf\xe9\n")
    assert comm_of(Files(LocalHost(), str(tmp_path)), 5) == "caf\udce9"
    texts = ["1 sh\n", "1 dd\n", "", ""]
    names = LiveNames(lambda: texts.pop(0), Files(LocalHost(), str(tmp_path)), clock=lambda: 0.0)
    assert names([1, 5, 6]) == {1: "sh", 5: "caf\udce9"}
    assert names([1]) == {1: "dd"}  # it has called exec
    assert names([1]) == {1: "dd"}  # the kernel has forgotten it
    assert names([]) == {} and len(texts) == 1


def test_a_kernel_that_is_slow_to_tell_is_asked_less_often() -> None:
    now = [0.0]
    asked = []

    def saved() -> str:
        asked.append(now[0])
        now[0] += 0.01
        return "1 sh\n2 dd\n"

    names = LiveNames(saved, Files(LocalHost(), "/nowhere"), clock=lambda: now[0])
    for _ in range(50):
        assert names([1])[1] == "sh"
        now[0] += 0.02
    assert 4 <= len(asked) <= 6
    assert names([1, 2])[2] == "dd"  # a task that is new
