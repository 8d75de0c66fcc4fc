"""A flame graph: one SVG file that needs no other file.

Each function is a box. Its width is its share of all hits, counting those whose stacks pass through it. Its
callers are below it, its callees above. Boxes of one parent are sorted by name: their width has a meaning,
their order has none. A viewer without scripts shows the whole graph; a browser can also zoom and search.

The graph is readable without colours: each box has its name, an outline and a title that gives its share. A
box that a search found gets a thick outline.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr
from zlib import crc32

from ktrace.diagnostic import visible

ROW = 18
"""Height of a box and the gap to the next one, in pixels."""

_TOP = 58  # for the title and the search
_SIDE = 10
_BOTTOM = 30
_CHAR = 7.2  # width of a character: 12 pixels of a monospaced font
_PAD = 3  # between a box's left edge and its name
_LEAST = 0.1  # pixels; a narrower box cannot be seen


@dataclass(slots=True)
class _Box:
    """One function in one place: how many stacks pass through it, and its callees."""

    name: str
    count: int = 0
    callees: "dict[str, _Box]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A box and its position: `depth` in rows from the bottom, `at` in counts from the left."""

    box: _Box
    depth: int
    at: int


def flamegraph(
    stacks: Mapping[tuple[str, ...], int], *, title: str = "ktrace", unit: str = "hits", width: int = 1200
) -> str:
    """Return the text of the SVG.

    Args:
        stacks: the count of each stack, which lists its functions from the outermost to the innermost.
        title: the heading above the graph.
        unit: what was counted, in the plural.
        width: in pixels.
    """
    root = _gather(stacks)
    scale = (width - 2 * _SIDE) / max(root.count, 1)
    # An empty profile still has its bottom row.
    shown = [p for p in _placed(root) if p.depth == 0 or p.box.count * scale >= _LEAST]
    left_out = sum(1 for _ in _placed(root)) - len(shown)
    rows = max(p.depth for p in shown) + 1
    height = _TOP + rows * ROW + _BOTTOM
    boxes = "".join(_spell(p, root.count, scale, rows, unit) for p in shown)
    what = f"{root.count} {unit}" + (f"; {left_out} boxes too narrow to be seen" if left_out else "")
    return _DOCUMENT.format(
        width=width,
        height=height,
        title=_text(title),
        what=_text(what),
        middle=width / 2,
        total=root.count,
        unit=quoteattr(visible(unit)),
        right=width - _SIDE,
        search=width - _SIDE - 220,
        foot=height - 10,
        boxes=boxes,
        script=Path(__file__).with_suffix(".js").read_text("ascii"),
    )


def _gather(stacks: Mapping[tuple[str, ...], int]) -> _Box:
    root = _Box("all")
    for frames, count in stacks.items():
        root.count += count
        box = root
        for frame in frames:
            box = box.callees.setdefault(frame, _Box(frame))
            box.count += count
    return root


def _placed(root: _Box) -> Iterator[_Placed]:
    """Yield all boxes, callers before callees.

    It does not recurse, because stacks can be deep.
    """
    ahead = [_Placed(root, 0, 0)]
    while ahead:
        here = ahead.pop()
        yield here
        at = here.at
        callees = []
        for _, box in sorted(here.box.callees.items()):
            callees.append(_Placed(box, here.depth + 1, at))
            at += box.count
        ahead += reversed(callees)


def _spell(placed: _Placed, total: int, scale: float, rows: int, unit: str) -> str:
    box = placed.box
    name = visible(box.name)
    x, wide = _SIDE + placed.at * scale, box.count * scale if total else scale
    y = _TOP + (rows - 1 - placed.depth) * ROW
    share = 100 * box.count / total if total else 100
    # The script needs exact counts: x and width are rounded.
    return (
        f'<g class="f" data-d="{placed.depth}" data-x="{placed.at}" data-w="{box.count}">'
        f"<title>{_text(box.name)}\n{box.count} {_text(unit)}, {share:.2f} %</title>"
        f'<rect x="{x:.2f}" y="{y}" width="{wide:.2f}" height="{ROW - 1}" fill="{_colour(box.name)}"/>'
        f'<text x="{x + _PAD:.2f}" y="{y + 13}">{escape(_fitting(name, wide))}</text></g>\n'
    )


def _fitting(name: str, wide: float) -> str:
    """Return as much of the name as fits into the box, or nothing if that is too little to be useful."""
    room = int((wide - 2 * _PAD) / _CHAR)
    if len(name) <= room:
        return name
    return name[: room - 2] + ".." if room > 3 else ""


def _colour(name: str) -> str:
    """Return a colour that depends on the name alone, light enough for black text (contrast above 8:1)."""
    mixed = crc32(name.encode("utf-8", "surrogateescape"))
    return f"hsl({20 + mixed % 36},{70 + mixed // 64 % 26}%,{66 + mixed // 4096 % 15}%)"


def _text(text: str) -> str:
    """Return text for XML, which allows no control characters, not even escaped ones."""
    return escape(visible(text))


_DOCUMENT = """\
<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" \
role="img" aria-labelledby="t d" data-total="{total}" data-unit={unit}>
<title id="t">{title}</title>
<desc id="d">Flame graph of {what}. Width is a function's share; callers are below what they call.</desc>
<style>
svg {{ background: #fff }}
text {{ font: 12px "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #000 }}
.f {{ cursor: pointer; outline: none }}
.f text {{ pointer-events: none }}
.f rect {{ stroke: #fff; stroke-width: 0.5 }}
.f:hover rect, .f:focus rect {{ stroke: #000; stroke-width: 1.5 }}
.found rect {{ fill: #7fb3ff; stroke: #00137f; stroke-width: 2 }}
.below rect {{ opacity: 0.45 }}
.hidden {{ display: none }}
.button {{ cursor: pointer; text-decoration: underline }}
input {{ font: 12px monospace; width: 212px }}
</style>
<rect width="100%" height="100%" fill="#fff"/>
<text id="name" x="10" y="24" style="font-size: 16px">{title}</text>
<text class="middle" x="{middle}" y="44" text-anchor="middle">{what}</text>
<text id="back" class="button hidden" x="10" y="44" tabindex="0" role="button">whole graph</text>
<text id="found" x="{right}" y="48" text-anchor="end" aria-live="polite"></text>
<foreignObject id="search" class="hidden" x="{search}" y="8" width="220" height="26">\
<input xmlns="http://www.w3.org/1999/xhtml" type="search" placeholder="search: / or Ctrl-F" \
aria-label="search functions by a regular expression"/></foreignObject>
<g id="boxes">
{boxes}</g>
<text id="told" x="10" y="{foot}" aria-live="polite"></text>
<script><![CDATA[
{script}]]></script>
</svg>
"""
