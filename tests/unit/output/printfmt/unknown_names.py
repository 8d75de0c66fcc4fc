"""Find the names in a print fmt that only the kernel can compute."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from ktrace.model.format import Format
from ktrace.output.printfmt.calls import FUNCTIONS
from ktrace.output.printfmt.constants import CONSTANTS
from ktrace.output.printfmt.special import wording
from ktrace.output.printfmt.tree import Call, Let, Name, Node, Table


def unknown_names(form: Format) -> set[str]:
    """Functions and variables of the kernel. Enum values are not among them: their names are in capitals."""
    found = {name for arg in wording(form).print_fmt.args for name in _unknown(arg, frozenset())}
    return {name for name in found if not name.replace("_", "").isupper() and " of a struct" not in name}


def _unknown(node: Node, bound: frozenset[str]) -> Iterator[str]:
    match node:
        case Call(function=function, args=args):
            plain = function.replace("__get_rel_", "__get_").replace("__print_rel_", "__print_")
            if plain.startswith("__ktrace_"):  # its own, in the wordings of tracers
                yield from _all(args, bound)
            elif plain not in FUNCTIONS:
                yield function
            elif not plain.startswith("__get_"):  # the argument of those is the name of a field
                of_field = plain == "__print_dynamic_array"
                yield from _all(args[of_field:], bound)
        case Table(items=items):
            yield from _all(items[1:], bound)
        case Let(name=name, value=value, body=body):
            yield from _all((value,), bound)
            yield from _unknown(body, bound | {name})
        case Name(name=name):
            if name not in CONSTANTS and name not in bound:
                yield name.removesuffix(" of a struct")
        case _ if is_dataclass(node):
            for one in fields(node):
                value = getattr(node, one.name)
                yield from _all(value if isinstance(value, tuple) else (value,), bound)


def _all(nodes: tuple[object, ...], bound: frozenset[str]) -> Iterator[str]:
    for node in nodes:
        if is_dataclass(node):
            yield from _unknown(node, bound)  # type: ignore[arg-type]  # all of a tree's dataclasses are nodes
