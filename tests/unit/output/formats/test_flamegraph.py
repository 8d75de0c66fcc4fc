from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from ktrace.output.formats.flamegraph import ROW, flamegraph

SVG = "{http://www.w3.org/2000/svg}"
STACKS = {("start", "read", "vfs_read"): 60, ("start", "open"): 30, ("idle",): 10}


class Box:
    """One function as a viewer shows it."""

    def __init__(self, group: ElementTree.Element) -> None:
        title, rect, text = group
        self.name, _, self.about = (title.text or "").partition("\n")
        self.label = text.text or ""
        self.x, self.y, self.wide = (float(rect.get(key, "")) for key in ("x", "y", "width"))
        self.depth, self.at, self.count = (int(group.get("data-" + key, "")) for key in "dxw")

    def is_on(self, other: "Box") -> bool:
        """Return whether it is one row above the other box, and within its width."""
        slack = 0.011  # positions are rounded to a hundredth of a pixel
        above = self.depth == other.depth + 1 and self.y == other.y - ROW
        return above and other.x - slack <= self.x and self.x + self.wide <= other.x + other.wide + 2 * slack


def boxes(svg: str) -> list[Box]:
    return [Box(group) for group in ElementTree.fromstring(svg).iter(SVG + "g") if group.get("class") == "f"]


def named(found: list[Box], name: str) -> Box:
    (box,) = [box for box in found if box.name == name]
    return box


def test_width_is_the_share_and_callees_stand_on_their_callers() -> None:
    found = boxes(flamegraph(STACKS, width=1020))
    whole = named(found, "all")
    assert (whole.x, whole.wide) == (10, 1000)
    wide = {box.name: box.wide for box in found}
    assert wide == {"all": 1000, "start": 900, "read": 600, "vfs_read": 600, "open": 300, "idle": 100}
    for upper, lower in (("start", "all"), ("idle", "all"), ("read", "start"), ("vfs_read", "read")):
        assert named(found, upper).is_on(named(found, lower))


def test_titles_tell_count_and_share() -> None:
    assert named(boxes(flamegraph(STACKS, unit="calls")), "open").about == "30 calls, 30.00 %"


def test_names_are_cut_to_what_fits_and_shown_whole_in_the_title() -> None:
    stacks = {("a_function_with_a_rather_long_name",): 1, ("b",): 9}
    box = boxes(flamegraph(stacks, width=1020))[1]
    assert box.name == "a_function_with_a_rather_long_name" and box.label == "a_function_.."
    assert 7.2 * len(box.label) <= box.wide


def test_a_box_too_small_for_anything_readable_has_no_label() -> None:
    assert [b.label for b in boxes(flamegraph({("abcdef",): 1, ("b",): 99}, width=1020))] == ["all", "", "b"]


def test_what_cannot_be_seen_is_left_out_and_counted() -> None:
    svg = flamegraph({("a", "b"): 1, ("c",): 10**6})
    assert [box.name for box in boxes(svg)] == ["all", "c"]
    assert "1000001 hits; 2 boxes too narrow to be seen" in svg


def test_names_of_any_bytes_stay_text() -> None:
    name = '<script>&"]]>\x00\x1b\udcff\u202e'
    svg = flamegraph({(name,): 1}, title=name, unit=name)
    assert boxes(svg)[1].name == '<script>&"]]>\\x00\\x1b\\xff\\u202e'
    assert len(list(ElementTree.fromstring(svg).iter(SVG + "script"))) == 1
    svg.encode()


def test_nothing_counted_is_a_graph_too() -> None:
    (only,) = boxes(flamegraph({}))
    assert only.name == "all" and only.about == "0 hits, 100.00 %"


def test_it_needs_nothing_from_elsewhere() -> None:
    root = ElementTree.fromstring(flamegraph(STACKS))
    references = [key for element in root.iter() for key in element.attrib if key.endswith(("href", "src"))]
    assert references == []
    assert "url(" not in flamegraph(STACKS) and "import" not in flamegraph(STACKS)


def test_a_very_deep_stack() -> None:
    found = boxes(flamegraph({tuple(f"f{i}" for i in range(5000)): 1}))
    assert len(found) == 5001 and found[-1].y == 58


def test_who_cannot_see_it_is_told() -> None:
    root = ElementTree.fromstring(flamegraph(STACKS, title="reads"))
    told = {element.get("id"): element.text or "" for element in root if element.get("id")}
    assert told["t"] == "reads" and told["d"].startswith("Flame graph of 100 hits")
    assert root.get("role") == "img" and root.get("aria-labelledby") == "t d"


stack = st.lists(st.sampled_from(["read", "write", "open", "a" * 50]), min_size=1, max_size=6).map(tuple)


@given(st.dictionaries(stack, st.integers(1, 1000), max_size=12))
def test_every_box_lies_within_one_below_and_none_over_another(stacks: dict) -> None:
    found = boxes(flamegraph(stacks))
    for box in found[1:]:
        assert sum(box.is_on(other) and other.at <= box.at < other.at + other.count for other in found) == 1
    by_row: dict[float, list[Box]] = {}
    for box in found:
        by_row.setdefault(box.y, []).append(box)
    for row in by_row.values():
        row.sort(key=lambda box: box.at)
        assert all(left.at + left.count <= right.at for left, right in pairwise(row))
        assert sum(box.count for box in row) <= sum(stacks.values())
