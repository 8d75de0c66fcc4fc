"""Hits and misses as the kernel counts them."""

from ktrace.tracefs.profiles import Profile, parse_profiles, parse_uprobe_profiles, read_profiles
from tests.unit.tracefs.scripted import Scripted


def test_profiles(tmp_path):
    text = f"  {'vfs_read':<44} {12:15d} {3:15d}\n  {'b':<44} {0:15d} {0:15d}\nodd\n"
    expected = [Profile("vfs_read", 12, 3), Profile("b", 0, 0)]
    assert parse_profiles(text) == expected
    assert read_profiles(Scripted(tmp_path, {"kprobe_profile": text})) == expected


def test_profiles_of_uprobes_have_no_misses_and_files_may_have_blanks():
    assert parse_uprobe_profiles(f"  /tmp/my file {'up':<44} {12:15d}\nodd\n") == [Profile("up", 12, None)]
