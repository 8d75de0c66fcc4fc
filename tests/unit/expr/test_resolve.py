"""A damaged blob must not break a look-up of members."""

import subprocess
import sys

import pytest

from ktrace.errors import UsageError
from ktrace.expr.arguments import to_registers
from ktrace.expr.source import Site
from ktrace.symbols.btf import Btf
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
