import struct
from pathlib import Path

import pytest

from ktrace.errors import Damaged
from ktrace.host.local import LocalHost
from ktrace.model.miss import Miss
from ktrace.symbols.btf import Btf
from ktrace.symbols.btf_cache import build_id, load, stamp
from ktrace.symbols.btf_files import BtfPaths, file_types, kernel_types, module_types
from tests.unit.symbols.btf_writer import BtfWriter


def note(kind: int, name: bytes, content: bytes) -> bytes:
    def padded(data: bytes) -> bytes:
        return data + bytes(-len(data) % 4)

    return struct.pack("=3I", len(name), len(content), kind) + padded(name) + padded(content)


NOTES = note(0x101, b"Linux\0", b"6") + note(3, b"GNU\0", bytes(range(20))) + note(18, b"Xen\0", b"12345678")


def kernel(tmp_path: Path, functions: tuple[str, ...] = ("vfs_read",)) -> BtfPaths:
    w = BtfWriter()
    int_ = w.int_("int", 4, 1)
    for name in functions:
        w.function(name, int_, [("n", int_)])
    (tmp_path / "btf").mkdir(exist_ok=True)
    (tmp_path / "btf/vmlinux").write_bytes(w.to_bytes())
    own = BtfWriter(w)
    own.function("ext4_sync_file", int_, [("datasync", int_)])
    (tmp_path / "btf/ext4_x").write_bytes(own.to_bytes())
    (tmp_path / "notes").write_bytes(NOTES)
    return BtfPaths(LocalHost(), tmp_path / "btf", tmp_path / "notes", tmp_path / "home/cache")


def opened(types: Btf | Miss) -> Btf:
    assert isinstance(types, Btf)
    return types


def test_build_id() -> None:
    assert build_id(NOTES) == bytes(range(20)).hex()
    assert build_id(b"") is None
    assert build_id(NOTES[:58]) is None
    assert build_id(note(1, b"GNU\0", b"abcd")) is None
    assert build_id(b"\xff" * 64) is None


def test_the_table_is_kept_and_used(tmp_path: Path) -> None:
    paths = kernel(tmp_path)
    first = opened(kernel_types(paths))
    (kept,) = (tmp_path / "home/cache").iterdir()
    assert kept.name == f"btf-{bytes(range(20)).hex()}.table"
    written = kept.stat().st_mtime_ns
    second = opened(kernel_types(paths))
    assert second.table == first.table
    assert kept.stat().st_mtime_ns == written
    assert not isinstance(second.functions("vfs_read"), Miss)


def test_a_kernel_of_the_same_build_id_with_other_types(tmp_path: Path) -> None:
    kernel_types(kernel(tmp_path))
    changed = opened(kernel_types(kernel(tmp_path, ("vfs_write", "a", "vfs_read"))))
    assert not isinstance(changed.functions("vfs_read"), Miss)
    assert not isinstance(changed.functions("vfs_write"), Miss)


def test_blobs_of_one_size_are_told_apart() -> None:
    one, other = (bytes(40) + bytes([n]) * 84 for n in (1, 2))
    assert stamp(one, 124) != stamp(other, 124)
    assert stamp(one, 124) != stamp(one, 125)


def test_a_kept_table_damaged_anywhere_is_made_anew(tmp_path: Path) -> None:
    paths = kernel(tmp_path)
    good = opened(kernel_types(paths)).table
    (kept,) = (tmp_path / "home/cache").iterdir()
    content = kept.read_bytes()
    for at in range(len(content)):
        kept.write_bytes(content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        assert opened(kernel_types(paths)).table == good
        assert kept.read_bytes() == content
    for length in range(len(content)):
        kept.write_bytes(content[:length])
        assert opened(kernel_types(paths)).table == good


def test_without_notes_the_content_names_the_table(tmp_path: Path) -> None:
    paths = kernel(tmp_path)
    (tmp_path / "notes").unlink()
    kernel_types(paths)
    kernel_types(kernel(tmp_path, ("other",)))
    (tmp_path / "notes").unlink()
    kernel_types(paths)
    assert len(list((tmp_path / "home/cache").iterdir())) == 3  # two contents, and one build-id


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    paths = kernel(tmp_path)
    (tmp_path / "home").write_text("a file where a folder should be")
    assert isinstance(kernel_types(paths), Btf)


def test_a_table_of_somebody_else_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = kernel(tmp_path)
    kernel_types(paths)
    (kept,) = (tmp_path / "home/cache").iterdir()
    mark = kept.read_bytes()[20:64]
    owner = kept.stat().st_uid
    assert load(kept, mark) is not None
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    assert (load(kept, mark) is None) == (owner != 0)


def test_modules(tmp_path: Path) -> None:
    paths = kernel(tmp_path)
    base = opened(kernel_types(paths))
    module = opened(module_types(base, "ext4-x", paths))
    assert not isinstance(module.functions("ext4_sync_file"), Miss)
    assert not isinstance(module.functions("vfs_read"), Miss)
    missing = module_types(base, "xfs", paths)
    assert isinstance(missing, Miss)
    assert "not loaded" in missing.reason
    assert len(list((tmp_path / "home/cache").iterdir())) == 1


def test_a_kernel_without_btf(tmp_path: Path) -> None:
    missing = kernel_types(BtfPaths(LocalHost(), tmp_path / "btf", tmp_path / "notes", None))
    assert isinstance(missing, Miss)
    assert "CONFIG_DEBUG_INFO_BTF" in missing.reason


def test_an_empty_file_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(Damaged):
        file_types(tmp_path / "empty", BtfPaths(LocalHost()))
    assert isinstance(file_types(tmp_path, BtfPaths(LocalHost())), Miss)
