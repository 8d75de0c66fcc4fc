"""The children of nodes."""

from dataclasses import fields

import pytest

from ktrace.script.language import ast
from ktrace.script.language.source import Located, SourceFile, Spot

CLASSES = [
    one
    for one in vars(ast).values()
    if isinstance(one, type) and issubclass(one, Located) and one is not Located
]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_field_that_may_hold_a_node_is_looked_at(cls: type[Located]) -> None:
    spot = Spot(SourceFile("t.stp", ""), 0)
    child, other = ast.Name(spot, "a"), ast.Name(spot, "b")
    for name in (one.name for one in fields(cls) if one.type not in (str, int, bool, Spot)):
        values = {one.name: None for one in fields(cls)} | {"at": spot}
        node = cls(**values | {name: child})
        assert ast.children(node) == [child]
        assert list(ast.walk(node)) == [node, child]
        many = cls(**values | {name: (child, None, other)})
        assert ast.children(many) == [child, other]
        assert getattr(ast.rebuilt(many, lambda one: other), name) == (other, None, other)
