import json

from ktrace.output.formats.speedscope import speedscope

STACKS = {("start", "read", "vfs_read"): 3, ("start", "open"): 1, ("idle",): 12}


def stacks_of(document: dict) -> dict:
    names = [frame["name"] for frame in document["shared"]["frames"]]
    (profile,) = document["profiles"]
    samples = [tuple(names[i] for i in sample) for sample in profile["samples"]]
    return dict(zip(samples, profile["weights"], strict=True))


def test_every_stack_outermost_first_with_its_weight() -> None:
    document = json.loads(speedscope(STACKS, name="vfs_read", unit="nanoseconds"))
    assert stacks_of(document) == STACKS
    (profile,) = document["profiles"]
    assert (profile["type"], profile["name"], profile["unit"]) == ("sampled", "vfs_read", "nanoseconds")
    assert (profile["startValue"], profile["endValue"]) == (0, 16)
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"


def test_a_frame_is_named_once() -> None:
    frames = json.loads(speedscope(STACKS))["shared"]["frames"]
    assert sorted(frame["name"] for frame in frames) == ["idle", "open", "read", "start", "vfs_read"]


def test_nothing_and_names_of_any_bytes() -> None:
    assert stacks_of(json.loads(speedscope({}))) == {}
    text = speedscope({("\udcff\x00é",): 1})
    assert text.isascii() and stacks_of(json.loads(text)) == {("\\xff\\x00é",): 1}
