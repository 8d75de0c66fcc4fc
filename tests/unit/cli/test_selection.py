import pytest

from ktrace.cli.selection import chosen, summary
from ktrace.errors import NotFound, UsageError
from tests.unit.tracefs.scripted import Scripted


@pytest.fixture
def files(tmp_path):
    return Scripted(tmp_path, {"dynamic_events": "p:g/a f\np:g/b f\n"})


@pytest.mark.parametrize(
    ("names", "everything", "events"),
    [
        (["a"], False, ["g/a"]),
        (None, True, ["g/a", "g/b"]),
        (["g/*"], False, ["g/a", "g/b"]),
        ([], True, ["g/a", "g/b"]),
    ],
)
def test_probes(files, names, everything, events):
    assert [p.event for p in chosen(files, names, everything, "remove")[0]] == events


@pytest.mark.parametrize("names", [None, []])
def test_none_are_named(files, names):
    with pytest.raises(UsageError, match="which probes") as error:
        chosen(files, names, False, "remove")
    assert error.value.hint.startswith("ktrace remove NAME")


def test_all_and_names(files):
    with pytest.raises(UsageError, match="--all and names"):
        chosen(files, ["a"], True, "remove")


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ("", "there are no probes"),
        ("p:ktrace_7_100_4026531836/a f\n", "ktrace sessions made all probes for themselves"),
    ],
)
def test_all_where_nothing_is_meant(tmp_path, capsys, there, why):
    files = Scripted(tmp_path, {"dynamic_events": there})
    assert chosen(files, None, True, "disable")[0] == []
    assert capsys.readouterr() == ("", f"ktrace: nothing to disable: {why}\n")


def test_no_such_probe(files):
    with pytest.raises(NotFound):
        chosen(files, ["zzz"], False, "remove")


def test_one_line_where_there_were_several(capsys):
    summary("removed", 1, 1, 0.5)
    assert capsys.readouterr().err == ""
    summary("removed", 2, 3, 0.5)
    assert capsys.readouterr() == ("", "ktrace: 2 of 3 probes removed in 0.50 s\n")


def test_a_name_that_means_nothing_does_not_stop_the_others(files, capsys):
    probes, refusals = chosen(files, ["none", "a"], False, "remove")
    assert [p.event for p in probes] == ["g/a"] and refusals.status() == 4
    assert "there is no probe called 'none'" in capsys.readouterr().err


def test_names_that_all_mean_nothing(files, capsys):
    with pytest.raises(NotFound, match="'none'") as error:
        chosen(files, ["none", "neither"], False, "remove")
    err = capsys.readouterr().err
    assert error.value.told and err.count("'none'") == err.count("'neither'") == 1
