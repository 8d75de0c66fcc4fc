"""Blobs that several tests read."""

from ktrace.model.ctype import Function
from ktrace.model.miss import Miss
from ktrace.symbols.btf import Btf
from tests.unit.symbols.btf_writer import BtfWriter


def every_kind() -> BtfWriter:
    """One blob with all of the kinds 1 to 19."""
    w = BtfWriter()
    int_ = w.int_("int", 4, 1)
    char = w.int_("char", 1)
    bool_ = w.int_("_Bool", 1, 4)
    path = w.struct_("path", 16, [("mnt", w.ptr(0), 0), ("dentry", w.ptr(w.fwd("dentry")), 64)])
    anonymous = w.union("", 8, [("i", int_, 0), ("d", w.float_("double", 8), 0)])
    flags = w.struct_("flags", 4, [("low", int_, 0, 3), ("high", int_, 3, 29)])
    w.struct_(
        "file",
        48,
        [("f_path", path, 0), ("", anonymous, 128), ("name", w.array(char, 8), 192), ("fl", flags, 256)],
    )
    w.enum("color", [("RED", 0), ("BLUE", 7)])
    w.enum("sign", [("MINUS", -1)], signed=True)
    w.enum64("wide", [("BIG", 1 << 40), ("ALL", (1 << 64) - 1)])
    w.enum64("widesign", [("NEG", -(1 << 40))], signed=True)
    text = w.ptr(w.const(char))
    w.typedef("text_t", w.volatile(w.restrict(text)))
    user = w.ptr(w.type_tag("user", char))
    w.function("first", int_, [("file", w.ptr(7)), ("buf", user)], linkage=1)
    w.function("print", 0, [("fmt", text), ("", 0)])
    w.datasec(".data..percpu", 8, [(w.var("counter", int_), 0, 4)])
    w.decl_tag("kfunc", 1, 0)
    w.function("yes", bool_, [])
    return w


def module() -> tuple[BtfWriter, BtfWriter]:
    base = BtfWriter()
    int_ = base.int_("int", 4, 1)
    base.struct_("net", 8, [("id", int_, 0)])
    base.function("both", int_, [])
    own = BtfWriter(base)
    own.function("probe_one", 2, [("net", own.ptr(2)), ("id", int_)])
    own.function("both", int_, [("net", own.ptr(2))])
    own.struct_("adapter", 8, [("net", own.ptr(2), 0)])
    return base, own


def found(btf: Btf, name: str) -> tuple[Function, ...]:
    functions = btf.functions(name)
    return () if isinstance(functions, Miss) else functions
