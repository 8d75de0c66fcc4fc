"""The names of constants that a format's `print fmt` has."""

from ktrace.model.printed_names import named_constants, printed_names

STATE = (
    '"family=%s %s->%s", __print_symbolic(REC->family, { 2, "AF_INET" }, { 10, "AF_INET6" }), '
    '__print_symbolic(REC->oldstate, { TCP_NO_NAME, "TCP_X" }, { 7, "TCP_CLOSE" }), '
    '(REC->gfp) ? __print_flags(REC->gfp, "|", {( unsigned long)((( gfp_t)(0x400u|0x800u)) | '
    '(( gfp_t)0x40u)), "GFP_KERNEL"}, {(unsigned long)(1UL << 5), "__GFP_HIGH"}) : "none", '
    '__print_flags(REC->state & 0xff, "|", { 1, "S" }), __print_symbolic(REC->error, { -2, "missing" })'
)


def test_fields_that_are_printed_by_name_have_names() -> None:
    found = printed_names(STATE)
    assert {name: (one.kind, dict(one.table)) for name, one in found.items()} == {
        "family": ("enum", {2: "AF_INET", 10: "AF_INET6"}),
        "oldstate": ("enum", {7: "TCP_CLOSE"}),
        "gfp": ("flags", {0xC40: "GFP_KERNEL", 0x20: "__GFP_HIGH"}),
        "error": ("enum", {-2: "missing"}),
    }
    assert found["family"].number("AF_INET6") == 10


def test_what_is_no_constant_is_left_out() -> None:
    assert named_constants('{ f(1), "a" }, { 1 << 99, "b" }, { 2, "c" }') == ((2, "c"),)
    assert named_constants('{ ~0, "all" }') == (((1 << 64) - 1, "all"),)
    assert printed_names('__print_symbolic(REC->a, { 1, "x"') == {}
