"""Members that are macros in the kernel's source: `sk_family` is `__sk_common.skc_family`.

See include/net/sock.h, inet_sock.h and inet_timewait_sock.h. Names that members had in older kernels, such as
`bio->bi_sector`, lead to the present member. A macro is looked up only if the struct has no
member of that name.
"""

_PREFIXES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "sock": ("sk_", ("__sk_common",), "skc_"),
    "inet_timewait_sock": ("tw_", ("__tw_common",), "skc_"),
}
"""By struct: the macros' prefix, the members on the way, and the prefix of the member that is meant."""

_INET = {
    "inet_daddr": "skc_daddr",
    "inet_rcv_saddr": "skc_rcv_saddr",
    "inet_dport": "skc_dport",
    "inet_num": "skc_num",
}
_FLOW_NAMES = ("oif", "iif", "mark", "tos", "scope", "proto", "flags", "secid", "uid", "tun_key")


def _flow(prefix: str) -> dict[str, tuple[str, ...]]:
    """Return the macros of a `struct flowi4` or `flowi6`, of include/net/flow.h."""
    outer = prefix.replace("fl", "flowi")
    return {
        **{f"{outer}_{one}": ("__fl_common", f"flowic_{one}") for one in _FLOW_NAMES},
        **{f"{prefix}_{one}": ("uli", "ports", one) for one in ("sport", "dport")},
        **{f"{prefix}_icmp_{one}": ("uli", "icmpt", one) for one in ("type", "code")},
    }


_MACROS: dict[str, dict[str, tuple[str, ...]]] = {
    "sock": {name: ("__sk_common", member) for name, member in _INET.items()},
    "inet_sock": {name: ("sk", "__sk_common", member) for name, member in _INET.items()},
    "inet_request_sock": {
        "ir_loc_addr": ("req", "__req_common", "skc_rcv_saddr"),
        "ir_rmt_addr": ("req", "__req_common", "skc_daddr"),
        "ir_num": ("req", "__req_common", "skc_num"),
        "ir_rmt_port": ("req", "__req_common", "skc_dport"),
        "ir_v6_rmt_addr": ("req", "__req_common", "skc_v6_daddr"),
        "ir_v6_loc_addr": ("req", "__req_common", "skc_v6_rcv_saddr"),
        "ireq_family": ("req", "__req_common", "skc_family"),
        "ireq_state": ("req", "__req_common", "skc_state"),
        "ireq_net": ("req", "__req_common", "skc_net"),
    },
    "bio": {
        "bi_sector": ("bi_iter", "bi_sector"),
        "bi_size": ("bi_iter", "bi_size"),
        "bi_idx": ("bi_iter", "bi_idx"),
        "bi_rw": ("bi_opf",),
    },
    "request": {"sector": ("__sector",), "data_len": ("__data_len",)},
    "task_struct": {"state": ("__state",)},
    "flowi4": _flow("fl4"),
    "flowi6": _flow("fl6"),
    "file": {"f_dentry": ("f_path", "dentry"), "f_vfsmnt": ("f_path", "mnt")},
}


def macro_path(struct: str, name: str) -> tuple[str, ...] | None:
    """Return the members that a macro stands for, from the outside inwards; None if it is not known."""
    found = _MACROS.get(struct, {}).get(name)
    if found is not None:
        return found
    prefix, way, inner = _PREFIXES.get(struct, ("", (), ""))
    return (*way, inner + name.removeprefix(prefix)) if prefix and name.startswith(prefix) else None
