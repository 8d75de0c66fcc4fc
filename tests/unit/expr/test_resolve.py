"""A damaged blob must not break a look-up of members."""

import subprocess
import sys

import pytest

from ktrace.errors import NotFound, UsageError
from ktrace.expr.arguments import to_registers
from ktrace.expr.source import Site
from ktrace.symbols.btf import Btf
from tests.unit.expr.kernel import kernel
from tests.unit.symbols.btf_writer import BtfWriter


def test_anonymous_members_that_multiply() -> None:
    w = BtfWriter()
    inner = w.union("", 8, [("x", w.int_("long int", 8, 1), 0)])
    for _ in range(12):
        inner = w.union("", 8, [("", inner, 0)] * 12)
    outer = w.struct_("outer", 8, [("", inner, 0)])
    w.function("f", 0, [("p", w.ptr(outer))])
    btf = Btf(w.to_bytes(), "blob")
    assert to_registers("p->x", Site("f"), btf).arg.to_text() == "x=+0(%di):s64"
    with pytest.raises(UsageError, match="no member 'y'"):
        to_registers("p->y", Site("f"), btf)


def test_a_struct_within_itself() -> None:
    w = BtfWriter()
    w.struct_("outer", 8, [("", 1, 0)])
    w.function("f", 0, [("p", w.ptr(1))])
    with pytest.raises(UsageError, match="no member 'x'"):
        to_registers("p->x", Site("f"), Btf(w.to_bytes(), "blob"))


def test_prototypes_that_multiply() -> None:
    w = BtfWriter()
    inner = w.int_("int", 4, 1)
    for _ in range(25):
        inner = w.ptr(w.proto(inner, [("a", inner), ("b", inner)]))
    w.function("f", inner, [("p", inner), ("q", inner)])
    found = Btf(w.to_bytes(), "blob").functions("f")
    assert isinstance(found, tuple)
    assert to_registers("p", Site("f"), Btf(w.to_bytes(), "blob")).arg.to_text() == "p=%di:x64"


def test_what_is_not_needed_is_not_imported() -> None:
    program = (
        "import sys, ktrace.expr.arguments, ktrace.symbols.btf_files, ktrace.symbols.syscalls;"
        "print([m for m in ('numpy', 'rich', 'elftools', 'difflib', 'tempfile') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+4(&+8(file)):s32", "file=+0xc(%di):s32"),
        ("((struct file *)&+8(file))->f_pos", "f_pos=+0x10(%di):s64"),
        ("((struct file *)&-8(file))->f_pos", "f_pos=+0(%di):s64"),
        ("((struct file *)&+8(+16(file)))->f_pos", "f_pos=+0x10(+0x10(%di)):s64"),
        ("((struct file *)&@init_task)->f_pos", "f_pos=@init_task+8:s64"),
        ("((struct file *)&@init_task-8)->f_pos", "f_pos=@init_task:s64"),
        ("+4(&@init_task+8):u32", "init_task=@init_task+12:u32"),
        # The kernel adds nothing to an address that is a number.
        ("((struct file *)&@0xffffffff81000000)->f_pos", "f_pos=@0xffffffff81000008:s64"),
        ("+4(+8(&@0xffffffff81000000)):u32", "@0xffffffff81000000=+0x4(@0xffffffff81000008):u32"),
    ],
)
def test_computed_addresses(text: str, expected: str) -> None:
    found = to_registers(text, Site("vfs_read"), kernel()).arg.to_text()
    assert found.partition("=")[2] == expected.partition("=")[2]


@pytest.mark.parametrize("text", ["&+8(file)", "&@init_task", "&@0xffffffff81000000"])
def test_an_address_that_must_be_computed_is_not_a_value(text: str) -> None:
    with pytest.raises(UsageError, match=r"a probe cannot add|cannot be read by a probe"):
        to_registers(text, Site("vfs_read"), kernel())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@first_file->f_pos", "f_pos=@first_file+8:s64"),
        ("(@first_file).ids[2]", "ids_2=@first_file+136:s32"),
        ("@last_file->f_pos", "f_pos=+0x8(@last_file):s64"),
        ("@files[3]->f_pos", "f_pos=+0x8(@files+24):s64"),
        ("@files[1]", "files_1=@files+8:x64"),
        ("+4(&@first_file->ids):s32", "ids=@first_file+132:s32"),
        ("@nr_files", "@nr_files"),  # the kernel's own grammar
    ],
)
def test_variables_of_the_kernel(text: str, expected: str) -> None:
    found = to_registers(text, Site("vfs_read"), kernel()).arg.to_text()
    assert found.rpartition("=")[2] == expected.rpartition("=")[2]


@pytest.mark.parametrize(("either_arrow", "hint"), [(False, "((struct NAME *)&@x)->MEMBER"), (True, "@cast")])
def test_a_variable_that_btf_does_not_describe(either_arrow: bool, hint: str) -> None:
    site = Site("vfs_read", either_arrow=either_arrow)
    with pytest.raises(NotFound, match="the type of the variable 'x' is not known") as raised:
        to_registers("@x->f_pos", site, kernel())
    assert hint in (raised.value.hint or "")
