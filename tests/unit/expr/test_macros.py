"""Macros of the kernel's source, and the members that they stand for."""

import pytest

from ktrace.expr.macros import macro_path


@pytest.mark.parametrize(
    ("struct", "name", "path"),
    [
        ("sock", "sk_family", ("__sk_common", "skc_family")),
        ("inet_timewait_sock", "tw_dport", ("__tw_common", "skc_dport")),
        ("inet_request_sock", "ir_rmt_port", ("req", "__req_common", "skc_dport")),
        ("bio", "bi_sector", ("bi_iter", "bi_sector")),
        ("flowi4", "flowi4_oif", ("__fl_common", "flowic_oif")),
        ("flowi6", "fl6_dport", ("uli", "ports", "dport")),
        ("task_struct", "state", ("__state",)),
        ("task_struct", "sk_family", None),
        ("flowi4", "fl6_dport", None),
    ],
)
def test_a_macro_leads_to_its_member(struct: str, name: str, path: tuple[str, ...] | None) -> None:
    assert macro_path(struct, name) == path
