"""A type as `ktrace type` shows it."""

import json
from pathlib import Path

import pytest

from ktrace.errors import KtraceError, NotFound, Unavailable, UsageError
from ktrace.host.local import LocalHost
from ktrace.kernel.types import TypeView, find_type
from ktrace.output.views.type import type_record, type_text
from ktrace.symbols.btf_files import BtfPaths
from tests.unit.output.schema import SCHEMA, fits
from tests.unit.symbols.btf_writer import BtfWriter


@pytest.fixture
def paths(tmp_path: Path) -> BtfPaths:
    w = BtfWriter()
    int_, uint = w.int_("int", 4, 1), w.int_("unsigned int", 4)
    inner = w.struct_("", 8, [("low", int_, 0), ("high", int_, 32)])
    path = w.struct_("path", 8, [("mnt", int_, 0), ("dentry", w.ptr(int_), 0)])
    flags = [("pos", int_, 0), ("ready", uint, 35, 2), ("path", path, 64), ("", inner, 128)]
    w.typedef("file_t", w.struct_("file", 24, [(n, t, o, *(b or [0])) for n, t, o, *b in flags]))
    w.enum("state", [("IDLE", 0), ("BUSY", 1)])
    w.typedef("loff_t", int_)
    (tmp_path / "vmlinux").write_bytes(w.to_bytes())
    return BtfPaths(LocalHost(), tmp_path, tmp_path / "notes")


def show(paths: BtfPaths, name: str, *members: str) -> TypeView:
    return find_type(name, members, paths)


def refused(paths: BtfPaths, error: type[KtraceError], name: str, *members: str) -> KtraceError:
    with pytest.raises(error) as caught:
        show(paths, name, *members)
    return caught.value


def test_a_struct(paths: BtfPaths) -> None:
    text = type_text(show(paths, "struct file"))
    assert text.splitlines() == [
        "struct file, 24 bytes",
        "OFFSET  SIZE  MEMBER",
        "     0     4  int pos",
        "   4:3     4  unsigned int ready:2",
        "     8     8  struct path path",
        "    16     8  struct",
        "    16     4    int low",
        "    20     4    int high",
    ]
    assert fits(json.loads(type_record(show(paths, "file"))), SCHEMA)


def test_members(paths: BtfPaths) -> None:
    rows = show(paths, "file", "path.dentry", "high").rows
    assert [(r.bit_offset // 8, r.text) for r in rows] == [(8, "int *dentry"), (20, "int high")]
    error = refused(paths, NotFound, "struct file", "path.dentri")
    assert "no member 'dentri'" in error.message and "did you mean dentry?" in (error.hint or "")
    assert error.excerpt == "struct file path.dentri" and error.excerpt[error.caret :] == "dentri"
    refused(paths, NotFound, "struct file", "pos.x")


def test_an_enum_and_typedefs(paths: BtfPaths) -> None:
    assert "    1  BUSY" in type_text(show(paths, "enum state"))
    assert type_text(show(paths, "loff_t")) == "loff_t = int, 4 bytes\n"
    assert show(paths, "file_t").rows and show(paths, "file_t").alias == "struct file"
    for name in ("enum state", "loff_t"):
        assert fits(json.loads(type_record(show(paths, name))), SCHEMA)
        refused(paths, UsageError, name, "x")


def test_unknown(paths: BtfPaths) -> None:
    for name in ("struct fil", "struct fiel", "struct_file", "struct_fiel"):
        assert "did you mean struct file?" in (refused(paths, NotFound, name).hint or "")
    assert "did you mean low?" in (refused(paths, NotFound, "struct file", "lwo").hint or "")
    assert "did you mean struct file or file_t?" in (refused(paths, NotFound, "fiel").hint or "")
    refused(paths, UsageError, "struct file *")
    refused(BtfPaths(LocalHost(), paths.folder / "none"), Unavailable, "struct file")
