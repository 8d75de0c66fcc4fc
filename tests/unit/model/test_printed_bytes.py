import pytest

from ktrace.model.printed_bytes import printed_bytes


@pytest.mark.parametrize(
    "print_fmt",
    [
        '"%pM", REC->x',
        '"%d %pM", REC->n, REC->x',
        '"%% %s %pU", REC->name, REC->x',
        '"%s", __print_hex(REC->x, 6)',
        '"%s", __print_hex_str(REC->x, sizeof(REC->x))',
        '"%s", __print_array(REC->x, 6, 1)',
        '"%s", __print_array(__get_dynamic_array(x), __get_dynamic_array_len(x), 1)',
        '"%s", __print_dynamic_array(x, 1)',
        '"%s", __print_hex_dump("", 0, 16, 1, REC->x, 6, 1)',
        '"%s", __print_hex(__get_str(x), 6)',
        '"%s", __print_hex(__get_rel_str(x), 6)',
        '"%*ph", 6, REC->x',
        '"%.*s %*phD", REC->n, REC->name, (int)sizeof(REC->x), REC->x',
        '"%pI4", &REC->x[0]',
        '"%pISpc", (struct sockaddr *)REC->x',
        '"%02x", REC->x[1]',
        '"%s %02x", REC->x, (u8)REC->x[5]',
        '"%s", REC->n ? __print_hex(REC->x, 6) : ""',
        '"a \\"%s\\" b" " %pM", REC->name, (REC)->x',
        '"%*pE", 6, REC->x',
        '"%*pbl", 6, REC->x',
    ],
)
def test_bytes(print_fmt):
    assert printed_bytes(print_fmt) == {"x"}


def test_depth_costs_nothing():
    """A crafted format of 64 KiB takes no longer than a plain one."""
    deep = "(" * 20_000 + "REC->x " * 6_000
    assert printed_bytes(f'"%s", {deep}') == set()


@pytest.mark.parametrize(
    "print_fmt",
    [
        '"%s", REC->x',
        '"%.*s", REC->n, REC->x',
        '"%s", (char *)&REC->x[0]',
        '"%s", REC->x[0] ? REC->x : "none"',
        '"%s", __get_str(x)',
        '"%s", (char *)__get_dynamic_array(x)',
        '"%d %s", __get_dynamic_array_len(x), __get_str(x)',
        '"%zu %d", sizeof(REC->x), (int)strlen(REC->x)',
        '"%p", REC->x',
        '"%pS", (void *)REC->x',
        '"%d", REC->n',
        '"%s", __print_symbolic(REC->n, { 1, "%pM, REC->x" })',
        "",
        '"%pM"',
        '"%pM", REC->',
        '"',
        "((((",
    ],
)
def test_text_and_what_is_not_printed(print_fmt):
    assert printed_bytes(print_fmt) == set()
