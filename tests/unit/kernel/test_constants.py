"""Constants that differ between kernels: flags of allocations, operations of block devices."""

from types import SimpleNamespace

import pytest

from ktrace.kernel.constants import gfp_flags, kernel_constants
from ktrace.model.miss import Miss
from ktrace.symbols.btf import Btf
from tests.unit.symbols.btf_writer import BtfWriter

# As Linux 6.1 spells them, and as 6.12 does.
OLD = (
    'print fmt: "%s", (REC->gfp_flags) ? __print_flags(REC->gfp_flags, "|", '
    '{( unsigned long)(((gfp_t)(0x400u|0x800u)) | ((gfp_t)0x40u) | ((gfp_t)0x80u)), "GFP_KERNEL"}, '
    '{( unsigned long)((((gfp_t)(0x400u|0x800u)) | ((gfp_t)0x40u)) & ~((gfp_t)0x400u)), "GFP_ODD"}, '
    '{( unsigned long)((gfp_t)0x20u), "__GFP_HIGH"}) : "none"\n'
)
NEW = (
    'print fmt: "%s", __print_flags(REC->gfp_flags, "|", '
    "{( unsigned long)((( gfp_t)(((((1UL))) << (10))|((((1UL))) << (11)))) | (( gfp_t)((((1UL))) << (6))) | "
    '(( gfp_t)((((1UL))) << (7)))), "GFP_KERNEL"}, '
    '{( unsigned long)(( gfp_t)((((1UL))) << (5))), "__GFP_HIGH"})\n'
)


@pytest.mark.parametrize("text", [OLD, NEW])
def test_flags_of_allocations(text: str) -> None:
    found = {name: bits for bits, name in gfp_flags(text)}
    assert found["GFP_KERNEL"] == 0xCC0
    assert found["__GFP_HIGH"] == 0x20
    assert found.get("GFP_ODD", 0x840) == 0x840


@pytest.mark.parametrize(
    "text",
    ["", '{X, "A"}', '{1 << 99, "A"}', '{f(1), "A"}', '{1 if 1 else 2, "A"}', "{" + "(" * 1500 + ', "A"}'],
)
def test_anything_else_is_no_flag(text: str) -> None:
    assert gfp_flags(text) == ()


def kernel(types: Btf | Miss) -> SimpleNamespace:
    def read(path: str) -> str:
        if path != "events/kmem/mm_page_alloc/format":
            raise FileNotFoundError(path)
        return OLD

    return SimpleNamespace(types=lambda: types, tracing=SimpleNamespace(read=read))


def test_operations_of_block_devices() -> None:
    w = BtfWriter()
    w.enum("req_op", [("REQ_OP_READ", 0), ("REQ_OP_WRITE", 1), ("REQ_OP_LAST", 36)])
    w.enum("req_flag_bits", [("__REQ_FAILFAST_DEV", 8), ("__REQ_SYNC", 11), ("__REQ_NR_BITS", 30)])
    found = kernel_constants(kernel(Btf(w.to_bytes(), "vmlinux")), "block operation")  # type: ignore[arg-type]
    assert found == (
        (0, "REQ_OP_READ"), (1, "REQ_OP_WRITE"), (1 << 8, "REQ_FAILFAST_DEV"), (1 << 11, "REQ_SYNC"),
    )  # fmt: skip


def test_what_a_kernel_does_not_tell() -> None:
    nothing = kernel(Miss("BTF", "none"))
    assert kernel_constants(nothing, "block operation") == ()  # type: ignore[arg-type]
    assert dict(kernel_constants(nothing, "gfp"))[0x20] == "__GFP_HIGH"  # type: ignore[arg-type]
