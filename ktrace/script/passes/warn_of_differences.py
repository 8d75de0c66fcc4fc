"""Warn of what works differently than in SystemTap."""

from collections.abc import Sequence

from ktrace.script.passes.bound import Bound


def warn_of_differences(bound: Sequence[Bound], warnings: Sequence[str]) -> Sequence[str]:
    """Warn of probe points that differ from SystemTap's."""
    points = [one.hook.point for one in bound]
    profiles = [point for point in points if any(part.name == "profile" for part in point.parts)]
    differing = [
        f"{one.at}: {one} is a timer of 100 Hz here: it sees no processor but its own" for one in profiles
    ]
    return list(dict.fromkeys((*warnings, *differing)))
