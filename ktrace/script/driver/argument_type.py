"""Choose the types of a probe's arguments."""

import re
from collections.abc import MutableMapping

from ktrace.kernel.kernel import Kernel
from ktrace.model.ctype import bare, fetch_type
from ktrace.model.miss import Miss
from ktrace.script.kernel_interface import Read

TYPE_SUFFIX = {"number": "", "string": ":string", "ustring": ":ustring", "path": ":path"}
"""The type suffix of an argument, by the kind of its read; other kinds are types themselves."""

_VARIABLE = re.compile(r"@([A-Za-z_]\w*)")


def argument_type(
    read: Read, kernel: Kernel, doubts: MutableMapping[str, None], module: str | None = None
) -> str:
    """Return the `:type` that an argument is written with.

    The kernel would read 8 bytes of any global variable.

    Args:
        doubts: takes a remark about a variable whose size is not known.
        module: the module whose types are known at the probe.
    """
    symbol = _VARIABLE.fullmatch(read.text)
    if symbol is None or read.kind != "number":
        return TYPE_SUFFIX.get(read.kind, f":{read.kind}")
    name = symbol[1]
    types = kernel.types(module)
    found = types if isinstance(types, Miss) else types.variable(name)
    if isinstance(found, Miss):
        told = f"the size of '{name}' is not known, and 8 bytes are read: "
        doubts[told + f'kernel_int(&@var("{name}")) reads 4'] = None
        return ""
    kind = fetch_type(bare(found))
    return f":{kind}" if kind else ""
