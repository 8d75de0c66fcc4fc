import gzip
import lzma

import pytest

from ktrace.errors import VmError
from ktrace.vm import modules


def elf(depends: str, extra: bytes = b"") -> bytes:
    """Return the part of a module that is read: strings with NULs between them."""
    return b"\x7fELF\0license=GPL\0" + extra + b"depends=" + depends.encode() + b"\0retpoline=Y\0"


@pytest.fixture
def tree(tmp_path):
    drivers = tmp_path / "kernel" / "drivers"
    drivers.mkdir(parents=True)
    (tmp_path / "modules.builtin").write_text(
        "kernel/fs/fuse/fuse.ko\nkernel/drivers/virtio/virtio-ring.ko\n"
    )
    (drivers / "virtio_pci.ko").write_bytes(elf("virtio_ring,virtio"))
    (drivers / "virtio.ko.xz").write_bytes(lzma.compress(elf("")))
    (drivers / "virtio_console.ko.gz").write_bytes(gzip.compress(elf("virtio")))
    (drivers / "virtiofs.ko").write_bytes(elf("virtio,fuse"))
    return tmp_path


def names(found):
    return [module.name for module in found]


def test_each_comes_once_and_after_what_it_depends_on(tree):
    assert names(modules.needed(tree)) == ["virtio", "virtio_pci", "virtio_console", "virtiofs"]


def test_what_is_loaded_is_not_compressed(tree):
    assert all(module.data.startswith(b"\x7fELF") for module in modules.needed(tree))


def test_built_in_needs_nothing(tree):
    assert modules.needed(tree, ["virtio-ring", "fuse"]) == []


def test_dashes_and_underscores_are_the_same(tree):
    (tree / "kernel" / "a-b.ko").write_bytes(elf("virtio-pci"))
    assert names(modules.needed(tree, ["a_b"])) == ["virtio", "virtio_pci", "a_b"]


def test_neither_built_in_nor_a_module_names_both(tree):
    (tree / "kernel" / "drivers" / "virtio.ko.xz").unlink()
    with pytest.raises(VmError, match=r"no virtio, which virtio_pci needs"):
        modules.needed(tree)


def test_damaged_compression_is_an_error_with_the_file(tree):
    (tree / "kernel" / "drivers" / "virtio.ko.xz").write_bytes(b"\xfd7zXZ\0broken")
    with pytest.raises(VmError, match=r"virtio\.ko\.xz: cannot be read"):
        modules.needed(tree)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"depends=a,b-c\0", ["a", "b_c"]),
        (b"x\0depends=\0", []),
        (b"x\0softdepends=no\0depends=yes\0", ["yes"]),
        (b"nothing", []),
    ],
)
def test_depends(data, expected):
    assert modules.depends(data) == expected
