"""Offsets and sizes of types, read from built BTF."""

from pathlib import Path

import pytest

from ktrace.errors import NotFound
from ktrace.script.driver.type_layout import layout_of
from tests.unit.session.places import OLD_README, BuiltKernel


@pytest.fixture
def kernel(tmp_path: Path) -> BuiltKernel:
    return BuiltKernel(tmp_path, OLD_README)


@pytest.mark.parametrize(
    ("name", "path", "layout"),
    [
        ("file", (), (0, 0x200)),
        ("struct file", (), (0, 0x200)),
        ("struct file *", (), (0, 8)),
        ("size_t", (), (0, 8)),
        ("unsigned int", (), (0, 4)),
        ("u8", (), (0, 1)),
        ("file", ("f_path",), (0x40, 16)),
        ("file", ("f_path", "dentry"), (0x48, 8)),
        ("file", ("number",), (0x50, 8)),
        ("file", ("deep",), (0x54, 4)),
        ("super_block", ("s_id", 3), (0x13, 1)),
    ],
)
def test_layouts(
    kernel: BuiltKernel, name: str, path: tuple[str | int, ...], layout: tuple[int, int]
) -> None:
    assert layout_of(kernel, name, None, path) == layout


@pytest.mark.parametrize(
    ("name", "path"), [("gone", ()), ("file", ("gone",)), ("file", (1,)), ("file", ("f_pos", "x"))]
)
def test_what_is_not_there(kernel: BuiltKernel, name: str, path: tuple[str | int, ...]) -> None:
    with pytest.raises(NotFound):
        layout_of(kernel, name, None, path)


def test_without_types(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="BTF"):
        layout_of(BuiltKernel(tmp_path, OLD_README, btf=False), "file", None, ())
