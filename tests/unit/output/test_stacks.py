"""Stacks as text, folded, for speedscope and as SVG."""

import json
import xml.etree.ElementTree as ET

from ktrace.model.tally import Row, Tally
from ktrace.output.stacks import stacks_folded, stacks_speedscope, stacks_svg, stacks_text

TALLY = Tally(
    ("stack",),
    (Row((("read", "sys", "entry"),), 3), Row((("wri;te", "sys", "entry"),), 1), Row((("<x\x1b>",),), 6)),
)


def test_text_and_folded() -> None:
    assert stacks_text(TALLY).startswith("6 hits\n    <x\\x1b>\n3 hits\n    read\n    sys\n")
    assert len(stacks_text(TALLY, height=3).splitlines()) == 3
    assert [*stacks_folded(TALLY)] == ["<x\\x1b> 6", "entry;sys;read 3", "entry;sys;wri:te 1"]


def test_speedscope_has_each_frame_once() -> None:
    made = json.loads(stacks_speedscope(TALLY, "vfs_read"))
    frames = [frame["name"] for frame in made["shared"]["frames"]]
    (profile,) = made["profiles"]
    assert sorted(frames) == sorted(set(frames)) and profile["weights"] == [6, 3, 1]
    assert [frames[i] for i in profile["samples"][1]] == ["entry", "sys", "read"]
    assert profile["endValue"] == 10


def test_the_flame_graph_is_one_file_of_widths_by_count() -> None:
    text = stacks_svg(TALLY, "a <b>")
    root = ET.fromstring(text)
    assert "script" not in text and "href" not in text and "\x1b" not in text
    names = {}
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        title = group[0].text or ""
        names[title.rpartition(": ")[0]] = (float(group[1].get("width") or 0), float(group[1].get("y") or 0))
    assert set(names) == {"all", "entry", "sys", "read", "wri;te", "<x\\x1b>"}
    assert abs(names["read"][0] - 0.3 * 1200) < 1 and abs(names["entry"][0] - 0.4 * 1200) < 1
    assert names["all"][1] > names["entry"][1] > names["sys"][1] > names["read"][1] == names["wri;te"][1]
    ET.fromstring(stacks_svg(Tally(("stack",)), "none"))
