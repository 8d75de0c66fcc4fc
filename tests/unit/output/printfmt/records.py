"""Formats written by hand, and batches of them."""

import numpy as np

from ktrace.model.column import Strings
from ktrace.model.format import parse_format
from ktrace.model.lookups import Lookups
from ktrace.output.printfmt import Body
from tests.unit.output.batches import batch

COMMON = """\
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
"""


def event(print_fmt, *fields, name="e", system="test"):
    """A format; each field as `int a 4 1` (declaration, size, signed)."""
    lines = []
    offset = 8
    for field in fields:
        declaration, size, signed = field.rsplit(" ", 2)
        lines.append(f"\tfield:{declaration};\toffset:{offset};\tsize:{size};\tsigned:{signed};\n")
        offset += int(size)
    text = f"name: {name}\nID: 7\nformat:\n{COMMON}\n{''.join(lines)}\nprint fmt: {print_fmt}\n"
    return parse_format(text, system)


def column(values):
    """Texts, lists or numbers, a value a row."""
    if any(isinstance(value, str) for value in values):
        return Strings.of(values)
    if any(isinstance(value, list | bytes) for value in values):
        if len({len(value) for value in values}) == 1 and not isinstance(values[0], bytes):
            return np.array(values, np.uint64 if max(map(max, values)) >= 1 << 63 else np.int64)
        found = np.empty(len(values), object)
        for i, value in enumerate(values):
            found[i] = value
        return found
    return np.array(values, np.uint64 if max(values) >= 1 << 63 else np.int64)


def bodies(form, lookups=None, **columns):
    """The body of each record."""
    made = batch(form.name, format=form, **{name: column(values) for name, values in columns.items()})
    return Body(form, lookups or Lookups()).texts(made)
