"""Programs as bytes, and back."""

import enum
import marshal
import zlib
from dataclasses import dataclass

import pytest

from ktrace.model.fetch import FetchArg
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.model.probe import Probe
from ktrace.resolve.spec import ProbeSpec
from ktrace.script.driver.kept_values import CannotKeep, pack, unpack
from tests.unit.script.scripts import compiled

SPECS = {
    1: ProbeSpec(
        Probe("p", "", "a", SymbolPlace("f", 4, "m"), (FetchArg("%di", "x", "u64"),)), {"x": {1: "one"}}
    ),
    2: ProbeSpec(Probe("r", "", "b", AddressPlace(16), at_return=True), notes=("a note",), one_of_many=True),
}


@pytest.mark.parametrize(
    "value", [None, True, 1 << 70, -1, "\udcff", b"\0", (), ((1,), [2, "tuple"]), {"a": ()}, SPECS]
)
def test_values_come_back(value: object) -> None:
    assert unpack(pack(value)) == value
    assert type(unpack(pack(value))) is type(value)


def test_a_program_comes_back_with_its_code() -> None:
    program = compiled(
        """global a[5], s = "x"
        probe begin { a[1] <<< 2; println(@hist_log(a[1]), s) }
        probe timer.s(1), end {}"""
    )
    made = program.runnable()
    assert unpack(pack((made, compile("1 + 1", "<script>", "eval"))))[0] == made


class Odd(enum.IntEnum):
    ONE = 1


@dataclass
class Probe2:
    name: str


Probe2.__name__ = "Probe"  # only the class of that module is written


@pytest.mark.parametrize("value", [object(), len, 1.5, {1, 2}, Odd.ONE, Probe2("x"), (1, [object()])])
def test_other_classes_are_not_written(value: object) -> None:
    with pytest.raises(CannotKeep):
        pack(value)


def test_each_damaged_byte_is_noticed() -> None:
    content = pack(SPECS)
    for at in range(len(content)):
        with pytest.raises(ValueError, match="damaged"):
            unpack(content[:at] + bytes([content[at] ^ 0x41]) + content[at + 1 :])
        with pytest.raises(ValueError, match="damaged"):
            unpack(content[:at])


@pytest.mark.parametrize("name", ["os", "Popen", "builtins.eval", "", "ProbeSpecs"])
def test_no_other_class_is_made(name: str) -> None:
    body = marshal.dumps((name, "id"))
    with pytest.raises(ValueError, match="damaged"):
        unpack(zlib.crc32(body).to_bytes(4, "big") + body)


def test_parts_that_do_not_fit_are_damage() -> None:
    for plain in (("Probe", 1), ("dict", 1), ("AtMoment", "begin", 0, 0, 0), ((),)):
        body = marshal.dumps(plain)
        with pytest.raises(ValueError, match="damaged"):
            unpack(zlib.crc32(body).to_bytes(4, "big") + body)
