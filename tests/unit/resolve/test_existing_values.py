"""The meaning of existing probes' values, by what is at the places that their definitions name."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ktrace.errors import Unavailable
from ktrace.model.meaning import Meaning
from ktrace.model.miss import Miss
from ktrace.model.probe import Probe
from ktrace.resolve.existing_values import existing_values, translated
from tests.unit.expr.test_paths import kernel as built
from tests.unit.tracefs.scripted import Scripted


def found(line: str, types: object = None) -> dict[str, str]:
    def types_of(_module: str | None) -> object:
        if isinstance(types, Exception):
            raise types
        return types or built()

    def read(path: str) -> str:
        assert path == "/sys/devices/system/cpu/possible"
        return "0-3\n"

    kernel = SimpleNamespace(types=types_of, machine="x86_64", host=SimpleNamespace(read=read))
    values = existing_values(Probe.from_line(line), kernel)  # type: ignore[arg-type,union-attr]
    return {name: one.kind if isinstance(one, Meaning) else "enum" for name, one in values.items()}


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        (
            "p:k/a tcp_connect a=+0(%di):u32 p=+0xc(%di):u16 f=+16(%di):u16",
            {"a": "socket ip4", "p": "be16", "f": "enum"},
        ),
        ("p:k/a tcp_connect a=+4($arg1):u32", {"a": "socket ip4"}),
        ("p:k/a tcp_connect u=+0(%si):x64[4] v6=+0x20(%di):x64[2]", {"u": "sockaddr", "v6": "ip6"}),
        ("p:k/a tcp_connect a=sk->__sk_common.skc_daddr:u32", {"a": "socket ip4"}),
        ("p:k/a do_mmap prot=%si:u64 flags=+0x50(%di):u32", {"prot": "flags", "flags": "flags"}),
        ("r:k/a vfs_read ret=$retval:s64", {"ret": "errno"}),
        # Nothing is at that place, of that size, or it is meant as a number.
        ("p:k/a tcp_connect a=+0(%di):x32 b=+0(%di):u64 c=+2(%di):u16 d=+0(%r9):u32 e=+999(%di):u32", {}),
        ("p:k/a tcp_connect+8 a=+0(%di):u32", {}),
        ("p:k/a no_such_function a=+0(%di):u32", {}),
        ("p:k/a tcp_connect a=@jiffies:u32 b=$stack0:u32 c=+0(%zz):u32 d=+0(+0(+0(%di))):u32", {}),
        ("p:k/a vfs_read+4 ip=%ip:x64", {"ip": "after breakpoint"}),
        ("r:k/a vfs_read ip=%ip:x64", {}),
        ("p:k/a vfs_read", {}),
        ("p:k/a set_mode m=%di:u32 b=%si:u8 x=%di:x32 s=%di:u8", {"m": "enum", "b": "enum"}),
    ],
)
def test_they_are_found_by_place(line: str, kinds: dict[str, str]) -> None:
    assert found(line) == kinds


FORMAT = """name: {name}
ID: 1
format:
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

{fields}
print fmt: {text}
"""


def test_filters_of_existing_events_are_translated(tmp_path: Path) -> None:
    ret = "\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n" + (
        "\tfield:s64 ret;\toffset:16;\tsize:8;\tsigned:1;\n"
    )
    state = "\tfield:int state;\toffset:8;\tsize:4;\tsigned:1;\n"
    files = Scripted(
        tmp_path,
        {
            "dynamic_events": "r:k/a vfs_read ret=$retval:s64\np:k/two f x=%di\np:k/two g x=%di\n",
            "events/k/a/format": FORMAT.format(name="a", fields=ret, text='"(%lx)", REC->__probe_ip'),
            "events/k/two/format": FORMAT.format(name="two", fields=ret, text='"(%lx)", REC->__probe_ip'),
            "events/sock/set/format": FORMAT.format(
                name="set", fields=state, text='"%s", __print_symbolic(REC->state, { 7, "TCP_CLOSE" })'
            ),
        },
    )
    kernel: Any = SimpleNamespace(tracing=files, machine="x86_64", types=lambda _: Miss("BTF", "none"))
    assert translated("k/a", "ret == ENOENT", kernel) == "ret == -2"
    assert translated("sock/set", "state == TCP_CLOSE", kernel) == "state == 7"
    for event in ("k/two", "no/event"):
        assert translated(event, "ret == ENOENT", kernel) == "ret == ENOENT"
    assert translated("k/a", "", kernel) == ""


def test_without_types_numbers_stay() -> None:
    line = "p:k/a tcp_connect a=+0(%di):u32"
    assert found(line, Miss("BTF", "none")) == found(line, Unavailable("damaged")) == {}
