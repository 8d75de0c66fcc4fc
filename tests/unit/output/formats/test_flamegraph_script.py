"""The script of a flame graph, in a document that has just what it uses: it fits the window, and finds."""

import json
import shutil
import subprocess

import pytest

from ktrace.output.formats.flamegraph import flamegraph
from tests.unit.output.formats.test_flamegraph import STACKS, boxes
from tests.unit.unable import unable

DOCUMENT = """
const made = JSON.parse(process.argv[1]), width = Number(process.argv[2]);
class Element {
  constructor(attributes, text, inner) {
    this.attributes = {...attributes}; this.textContent = text || ""; this.inner = inner || {};
    this.dataset = {}; this.classes = new Set(); this.listeners = {}; this.calls = [];
    this.classList = {
      toggle: (name, on) => on ? this.classes.add(name) : this.classes.delete(name),
      remove: (name) => this.classes.delete(name), contains: (name) => this.classes.has(name),
    };
  }
  getAttribute(name) { return this.attributes[name]; }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  querySelector(name) { return this.inner[name]; }
  addEventListener(name, call) { this.listeners[name] = call; }
  focus() { this.calls.push("focus"); }
  select() { this.calls.push("select"); }
  getBoundingClientRect() { return {width}; }
}
const svg = new Element({width: "1200", height: "100"});
svg.dataset = {total: String(made[0].w)};
const groups = made.map((box) => {
  const g = new Element({}, "", {
    rect: new Element({}), text: new Element({}), title: new Element({}, box.name + "\\n1 hits"),
  });
  g.dataset = {d: box.d, x: box.x, w: box.w};
  return g;
});
const ids = {}, middle = [new Element({})];
for (const name of ["back", "found", "name", "search", "told"]) ids[name] = new Element({});
ids.t = new Element({}, "a title that is too long for a narrow window, but not for a wide one");
const input = ids.search.firstElementChild = new Element({});
globalThis.document = {
  documentElement: svg, listeners: {}, getElementById: (name) => ids[name],
  querySelectorAll: (name) => name === ".f" ? groups : middle,
  addEventListener(name, call) { this.listeners[name] = call; },
};
globalThis.window = {innerWidth: width, addEventListener() {}};
"""
REPORT = """
let prevented = 0;
const press = (key, more) => document.listeners.keydown(
  {key, target: svg, preventDefault() { prevented++; }, ...more});
press("f", {ctrlKey: true});
input.listeners.input({target: {value: "vfs|open"}});
console.log(JSON.stringify({
  viewBox: svg.attributes.viewBox, width: svg.attributes.width, calls: input.calls, prevented,
  found: ids.found.textContent, search: ids.search.attributes.x, title: ids.name.textContent,
  middle: middle.map((m) => m.attributes.x),
  boxes: groups.map((g) => [Number(g.inner.rect.attributes.x), Number(g.inner.rect.attributes.width),
                            g.inner.text.textContent, g.classes.has("found")]),
}));
"""


@pytest.mark.parametrize("width", [700, 1400])
def test_it_fits_the_window_and_ctrl_f_finds(width: int) -> None:
    node = shutil.which("node")
    if node is None:
        unable("node is not installed")
    svg = flamegraph(STACKS)
    script = svg.partition("<script><![CDATA[")[2].partition("]]></script>")[0]
    made = [{"name": b.name, "d": b.depth, "x": b.at, "w": b.count} for b in boxes(svg)]
    done = subprocess.run(
        [node, "-e", DOCUMENT + script + REPORT, json.dumps(made), str(width)],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["viewBox"] == f"0 0 {width} 100" and told["width"] == "100%"
    assert told["middle"] == [str(width / 2).removesuffix(".0")] and told["search"] == str(width - 230)
    assert told["title"].endswith(".." if width == 700 else "wide one")
    assert 9.6 * len(told["title"]) <= width - 240  # it ends before the search
    assert told["boxes"][0][:2] == [10, width - 20]
    for box, (x, wide, label, found) in zip(made, told["boxes"], strict=True):
        assert x == pytest.approx(10 + box["x"] * (width - 20) / 100, abs=0.01)
        assert wide == pytest.approx(box["w"] * (width - 20) / 100, abs=0.01)
        assert 7.2 * len(label) <= wide and found == (box["name"] in ("vfs_read", "open"))
    assert told["calls"] == ["focus", "select"] and told["prevented"] == 1
    assert told["found"] == "found: 90.00 %"
