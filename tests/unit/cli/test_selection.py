import pytest

from ktrace.cli.selection import chosen, summary, switch_chosen
from ktrace.errors import NotFound, UsageError
from ktrace.tracefs import mount
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


def test_what_nothing_can_hit_is_told_next_to_a_name_that_means_nothing(files, tmp_path, capsys, monkeypatch):
    for name in ("a", "b"):
        files.put(f"events/g/{name}/enable", "0\n")
        files.put(f"events/g/{name}/trigger", "")
    files.put("tracing_on", "0\n")
    files.refuse["events/g/b/enable"] = 16
    files.refuse["events/g/enable"] = 16
    monkeypatch.setattr(mount, "find_tracing", lambda host: files)
    monkeypatch.setattr(mount, "find_debug", lambda host: None)
    assert switch_chosen(["none", "a", "b"], False, True) == 4
    err = capsys.readouterr().err
    assert "there is no probe called 'none'" in err
    assert "ktrace: g/a cannot be hit: the top buffer takes no events (tracing_on is 0)\n" in err
