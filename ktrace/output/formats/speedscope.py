"""The file format of speedscope, a viewer of profiles that runs in a browser.

https://www.speedscope.app/file-format-schema.json; the profile is of type "sampled".
"""

import json
from collections.abc import Mapping
from typing import Literal, TypeAlias

from ktrace.diagnostic import visible

Unit: TypeAlias = Literal["none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"]
"""The unit of the weights, as the format spells it; `none` means plain counts."""

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def speedscope(stacks: Mapping[tuple[str, ...], int], *, name: str = "ktrace", unit: Unit = "none") -> str:
    """Return the text of the file, pure ASCII with a final newline.

    Args:
        stacks: the count or amount of each stack, which lists its functions from the outermost to the
            innermost.
        name: the name of the profile in the viewer.
        unit: the unit of the counts.
    """
    index: dict[str, int] = {}
    samples = []
    weights = []
    for frames, count in sorted(stacks.items()):
        samples.append([index.setdefault(visible(frame), len(index)) for frame in frames])
        weights.append(count)
    profile = {
        "type": "sampled",
        "name": visible(name),
        "unit": unit,
        "startValue": 0,
        "endValue": sum(weights),
        "samples": samples,
        "weights": weights,
    }
    document = {
        "$schema": _SCHEMA,
        "shared": {"frames": [{"name": frame} for frame in index]},
        "profiles": [profile],
        "name": visible(name),
        "activeProfileIndex": 0,
        "exporter": "ktrace",
    }
    return json.dumps(document, separators=(",", ":")) + "\n"
