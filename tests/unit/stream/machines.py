"""Recordings of any machine, built: 32 or 64 bits, either order of bytes."""

import struct
from dataclasses import dataclass
from pathlib import Path

from ktrace.ringbuffer.layout import PageLayout
from ktrace.tracedat.writer import write_file
from tests.unit.ringbuffer.page_writer import PageWriter
from tests.unit.stream.recorded import COMMON
from tests.unit.tracedat.build import contents


@dataclass(frozen=True)
class Built:
    """A machine: bytes of its `long`, and its order of bytes."""

    long: int = 8
    big_endian: bool = False

    @property
    def order(self) -> str:
        return ">" if self.big_endian else "<"

    def pack(self, form: str, *values: object) -> bytes:
        """Pack values; `L` is the machine's unsigned long."""
        return struct.pack(self.order + form.replace("L", "I" if self.long == 4 else "Q"), *values)

    @property
    def layout(self) -> PageLayout:
        return PageLayout(4096, 8 + self.long, 8, self.long, self.big_endian)

    @property
    def header_page(self) -> str:
        data = 8 + self.long
        return (
            "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
            f"\tfield: local_t commit;\toffset:8;\tsize:{self.long};\tsigned:1;\n"
            f"\tfield: char data;\toffset:{data};\tsize:{4096 - data};\tsigned:1;\n"
        )

    def write(
        self, path: Path, formats: list[tuple[str, str]], records: list[tuple[int, bytes]], **changes: object
    ) -> str:
        """A file with the records: of each the event's id, and its fields after the common ones.

        `formats`: group and text of each event.
        """
        made = contents(
            order="big" if self.big_endian else "little",
            long_size=self.long,
            header_page=self.header_page,
            ftrace_formats=tuple(text for group, text in formats if group == "ftrace"),
            event_formats=tuple(one for one in formats if one[0] != "ftrace"),
            cmdlines=b"7 seven\n",
            **changes,
        )
        writer = PageWriter(ts=1000, layout=self.layout)
        for ident, fields in records:
            writer.record(self.pack("HBBi", ident, 0, 0, 7) + fields, 1000)
        write_file(str(path), made, {0: [writer.bytes()]})
        return str(path)


def form(name: str, ident: int, print_fmt: str, *fields: tuple[str, int, int, int]) -> str:
    """A `format` file; each field as declaration, offset, size and sign."""
    lines = [
        f"\tfield:{what};\toffset:{at};\tsize:{size};\tsigned:{sign};" for what, at, size, sign in fields
    ]
    return f"name: {name}\nID: {ident}\nformat:\n{COMMON}" + "\n".join(
        [*lines, "", f"print fmt: {print_fmt}\n"]
    )


MACHINES = [Built(long, big_endian) for long in (8, 4) for big_endian in (False, True)]
