"""Stacks with their counts: as text, folded, for speedscope, and as a flame graph in SVG.

A row's key is one stack, innermost function first, as the kernel has it. Folded lines and flames begin
at the outermost.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from ktrace.diagnostic import visible
from ktrace.model.tally import Stack, Tally

_WIDTH = 1200
_ROW = 17
_FONT = 12
_PER_CHARACTER = 7.2  # pixels of a monospaced font of that size
_COLOURS = ("#e8743b", "#ed8b4c", "#f2a05e", "#e5653a", "#f0b06a", "#dd5a3c")


def stacks_text(tally: Tally, *, height: int | None = None) -> str:
    """Each stack below its count, the most frequent first."""
    lines: list[str] = []
    for count, stack in _stacks(tally):
        lines.append(f"{count} hits")
        lines += [f"    {visible(frame)}" for frame in stack]
    if height is not None:
        lines = lines[:height]
    return "".join(line + "\n" for line in lines)


def stacks_folded(tally: Tally) -> Iterator[str]:
    """`outer;inner COUNT` lines, as flame graph programs read them."""
    for count, stack in _stacks(tally):
        yield ";".join(visible(frame).replace(";", ":") for frame in reversed(stack)) + f" {count}"


def stacks_speedscope(tally: Tally, name: str) -> str:
    """A file for https://www.speedscope.app: a sampled profile."""
    index: dict[str, int] = {}
    samples, weights = [], []
    for count, stack in _stacks(tally):
        samples.append([index.setdefault(visible(frame), len(index)) for frame in reversed(stack)])
        weights.append(count)
    return json.dumps(
        {
            "$schema": "https://www.speedscope.app/file-format-schema.json",
            "exporter": "ktrace",
            "name": name,
            "shared": {"frames": [{"name": frame} for frame in index]},
            "profiles": [
                {
                    "type": "sampled",
                    "name": name,
                    "unit": "none",
                    "startValue": 0,
                    "endValue": sum(weights),
                    "samples": samples,
                    "weights": weights,
                }
            ],
        }
    )


@dataclass(slots=True)
class _Frame:
    """A function in the tree of all stacks, with the hits that went through it."""

    name: str
    count: int = 0
    below: "dict[str, _Frame]" = field(default_factory=dict)

    def depth(self) -> int:
        """Levels from here on."""
        return 1 + max((frame.depth() for frame in self.below.values()), default=0)


def stacks_svg(tally: Tally, title: str) -> str:
    """A flame graph: one file without scripts or anything from elsewhere; a frame's title says its share."""
    root = _Frame("all")
    for count, stack in _stacks(tally):
        frame = root
        frame.count += count
        for name in reversed(stack):
            frame = frame.below.setdefault(name, _Frame(name))
            frame.count += count
    height = (root.depth() + 2) * _ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="monospace" font-size="{_FONT}">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fffaf4"/>',
        f'<text x="{_WIDTH // 2}" y="{_ROW - 4}" text-anchor="middle">'
        f"{_xml(title)}: {root.count} hits</text>",
    ]
    if root.count:
        parts += _flames(root, 0.0, float(_WIDTH), height - _ROW, root.count)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _flames(frame: _Frame, x: float, width: float, y: int, total: int) -> Iterator[str]:
    if width < 0.2:
        return
    share = 100 * frame.count / total
    colour = _COLOURS[sum(map(ord, frame.name)) % len(_COLOURS)]
    label = _fitting(frame.name, width)
    yield (
        f"<g><title>{_xml(frame.name)}: {frame.count} hits, {share:.2f} %</title>"
        f'<rect x="{x:.2f}" y="{y}" width="{max(width - 0.5, 0.2):.2f}" height="{_ROW - 1}" rx="1" '
        f'fill="{colour}"/>'
        + (f'<text x="{x + 3:.2f}" y="{y + _FONT}">{_xml(label)}</text>' if label else "")
        + "</g>"
    )
    for below in sorted(frame.below.values(), key=lambda f: f.name):
        part = width * below.count / frame.count
        yield from _flames(below, x, part, y - _ROW, total)
        x += part


def _fitting(name: str, width: float) -> str:
    room = int((width - 6) / _PER_CHARACTER)
    if len(name) <= room:
        return name
    return name[: room - 2] + ".." if room >= 4 else ""


def _xml(text: str) -> str:
    return escape(visible(text))


def _stacks(tally: Tally) -> Iterator[tuple[int, Stack]]:
    for row in tally.largest_first():
        stack = row.key[-1]
        yield row.count, stack if isinstance(stack, tuple) else (str(stack),)
