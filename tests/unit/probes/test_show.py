import pytest

from ktrace.errors import NotFound
from ktrace.probes.show import describe
from tests.unit.tracefs.scripted import Scripted

FORMAT = 'name: x\nID: 7\nformat:\n\tfield:int a;\toffset:8;\tsize:4;\tsigned:1;\n\nprint fmt: ""\n'


@pytest.fixture
def files(tmp_path):
    tree = {
        "dynamic_events": "p:g/multi vfs_write\np:g/multi vfs_open\np:g/one f\np:h/one f\n",
        "kprobe_profile": "  multi  10  1\n  multi  20  2\n",
    }
    for event in ("g/multi", "g/one", "h/one", "sched/sched_switch", "sched/sched_wakeup"):
        tree |= {
            f"events/{event}/enable": "1*\n",
            f"events/{event}/filter": "a > 1\n",
            f"events/{event}/trigger": "stacktrace:unlimited\n",
            f"events/{event}/format": FORMAT,
        }
    return Scripted(tmp_path, tree)


def test_a_probe_of_several_points(files):
    (shown,) = describe(files, None, "multi")
    assert shown.event == "g/multi"
    assert [row.hits for row in shown.rows] == [10, 20]
    assert (shown.state, shown.filter, shown.triggers) == ("1*", "a > 1", ("stacktrace:unlimited",))
    assert (shown.format.system, shown.format.id) == ("g", 7)


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("one", ["g/one", "h/one"]),
        ("g/*", ["g/multi", "g/one"]),
        ("sched:sched_switch", ["sched/sched_switch"]),
        ("sched:*", ["sched/sched_switch", "sched/sched_wakeup"]),
    ],
)
def test_all_that_a_name_means(files, name, events):
    shown = describe(files, None, name)
    assert [d.event for d in shown] == events
    if name.startswith("sched"):
        assert all(d.rows == () for d in shown)  # no probes


def test_no_such_event(files):
    with pytest.raises(NotFound, match="no probe called 'sched:none'"):
        describe(files, None, "sched:none")
