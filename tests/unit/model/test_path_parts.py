"""Whole paths from their parts."""

import pytest

from ktrace.model.path_parts import join_path, part_name, parts_of


def parts(**levels: str) -> list[tuple[str, str | None]]:
    return [(level, text) for level, texts in levels.items() for text in texts.split()]


@pytest.mark.parametrize(
    ("name", "above", "path"),
    [
        ("passwd", parts(p="etc / /", m="/ /", n="/", o="/"), "/etc/passwd"),
        ("x", parts(p="a / /", m="tmp / /", n="/ /", o="/"), "/tmp/a/x"),
        ("trace", parts(p="/ /", m="tracing kernel / /", n="sys / /", o="/ /"), "/sys/kernel/tracing/trace"),
        ("f", parts(p="a b c d", m="/ /", n="/", o="/"), ".../d/c/b/a/f"),
        ("f", parts(p="a /", m="x y", n="/", o="/"), ".../y/x/a/f"),
        ("f", parts(p="a /", m="x /", n="y /", o="z /"), ".../z/y/x/a/f"),
        ("f", parts(p="a /", m="x /"), ".../x/a/f"),
        ("f", parts(p="a /"), "/a/f"),
        # Bind mounts: of /srv/x on /mnt, and of a folder on itself.
        ("f", parts(p="a x srv /", q="x srv /", m="mnt /", r="/", n="/"), "/mnt/a/f"),
        ("x", parts(p="srv / /", q="x srv /", m="mnt /", r="/", n="/"), "/mnt"),
        ("f", parts(p="x x srv /", q="x srv /", m="mnt /", r="/", n="/"), "/mnt/x/f"),
        ("f", parts(p="a b x y z w /", q="x y z", m="mnt /", r="/", n="/"), "/mnt/b/a/f"),
        # It cannot be known where the mount begins.
        ("f", parts(p="a b c x", q="x srv /", m="mnt /", r="/", n="/"), ".../c/b/a/f"),
        ("f", parts(p="a b c d", q="x srv /", m="mnt /", r="/", n="/"), ".../d/c/b/a/f"),
        ("f", parts(p="a x srv d", q="x srv /", m="mnt /", r="/", n="/"), ".../d/srv/x/a/f"),
        ("f", parts(p="a d d d d /", q="d d d", m="mnt /", r="/", n="/"), ".../a/f"),
        ("f", parts(p="a d d /", q="d d d", m="mnt /", r="/", n="/"), ".../d/d/a/f"),
        ("f", parts(p="a /", q="/", m="in x srv /", r="x srv /", n="mnt /", s="/", o="/"), "/mnt/in/a/f"),
        ("/", parts(p="/ /", m="/ /", n="/", o="/"), "/"),
        ("/", parts(p="/ /", m="proc /", n="/", o="/"), "/proc"),
        ("TCP", parts(p="TCP TCP TCP", m="/ /", n="/", o="/"), "TCP"),
        ("", [("p", ""), ("p", ""), ("p", "")], ""),
        ("", [("p", ""), ("p", ""), ("p", ""), ("t", "pipefs")], "pipe:"),
        ("TCP", parts(p="TCP TCP TCP", m="/ /", n="/", o="/", t="sockfs"), "socket:TCP"),
        ("[eventfd]", parts(p="[eventfd] [eventfd]", t="anon_inodefs"), "anon_inode:[eventfd]"),
        ("memfd:x", parts(p="memfd:x memfd:x", t="tmpfs"), "memfd:x"),
        ("x", parts(p="a / /", m="tmp / /", n="/ /", o="/", t="tmpfs"), "/tmp/a/x"),
        ("f", [("p", "a"), ("p", None), ("p", "/")], ".../a/f"),
        (None, parts(p="a /"), None),
    ],
)
def test_parts_are_joined_upwards(name: str | None, above: list, path: str | None) -> None:
    assert join_path(name, above) == path


def test_the_names_of_arguments_say_what_belongs_together() -> None:
    names = [
        "count",
        "file",
        *(part_name("file", "p", n) for n in range(1, 12)),
        "file__m0",
        "file__n0",
        "x__p1",
    ]
    paths = parts_of(names)
    assert list(paths) == ["file"]
    assert paths["file"][:2] == ("file__p1", "file__p2")
    assert paths["file"][-3:] == ("file__p11", "file__m0", "file__n0")
    assert parts_of(["a", "a__m0"]) == {}
    assert parts_of(["a", "b", "a__p1"]) == {"a": ("a__p1",)}
