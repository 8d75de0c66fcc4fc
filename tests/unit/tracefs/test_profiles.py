"""Hits and misses as the kernel counts them."""

from ktrace.tracefs.profiles import Profile, parse_profiles, parse_uprobe_profiles, profiles_of, read_profiles
from tests.unit.tracefs.scripted import Scripted


def test_profiles(tmp_path):
    text = f"  {'vfs_read':<44} {12:15d} {3:15d}\n  {'b':<44} {0:15d} {0:15d}\nodd\n"
    expected = [Profile("vfs_read", 12, 3), Profile("b", 0, 0)]
    assert parse_profiles(text) == expected
    assert read_profiles(Scripted(tmp_path, {"kprobe_profile": text})) == expected


def test_profiles_of_uprobes_have_no_misses_and_files_may_have_blanks():
    assert parse_uprobe_profiles(f"  /tmp/my file {'up':<44} {12:15d}\nodd\n") == [Profile("up", 12, None)]


def test_events_of_one_name_in_two_groups_are_told_apart(tmp_path):
    """Two sessions count the same functions."""
    events = "p:a/calls f\nr4:b/calls f\np:a/calls g\np:b/calls g x=%di\n"
    profile = "  calls  1  0\n  calls  2  5\n  calls  3  0\n  calls  4  6\n"
    files = Scripted(tmp_path, {"kprobe_events": events, "kprobe_profile": profile})
    found = profiles_of(files, ["b/calls"])
    assert found == [("b/calls", Profile("calls", 2, 5)), ("b/calls", Profile("calls", 4, 6))]
    files.put("kprobe_events", events + "p:c/new f\n")  # has just been added
    assert len(profiles_of(files, ["b/calls"])) == 4
