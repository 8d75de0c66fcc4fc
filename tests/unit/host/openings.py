"""Find in a module's source what opens files, and what asks for the machine: for the test of who may."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

MACHINE = ("/proc", "/sys", "/boot")
_OS = frozenset(
    ("open", "listdir", "scandir", "walk", "stat", "lstat", "access", "readlink", "mkdir", "rmdir")
)
_OS_PATH = frozenset(("exists", "lexists", "isfile", "isdir", "islink", "getsize", "getmtime", "realpath"))
# Methods that a Path alone has, and those that a Host or Files has, too: there, the file is an argument.
_OF_PATH = frozenset(
    ("read_text", "iterdir", "glob", "rglob", "is_file", "is_symlink", "lstat", "write_text")
)
_OF_BOTH = frozenset(
    ("read_bytes", "open", "exists", "is_dir", "stat", "readlink", "mkdir", "rmdir", "resolve")
)
_ASKS = {
    "os": frozenset(("uname", "sysconf", "getloadavg")),
    "platform": frozenset(
        ("machine", "release", "uname", "node", "version", "system", "processor", "platform")
    ),
}


@dataclass(frozen=True)
class Opening:
    """A call that opens a file, or looks at one.

    Attributes:
        on_machine: whether its path begins with one of `MACHINE`, as far as this module tells.
    """

    line: int
    text: str
    on_machine: bool


def openings(source: str) -> list[Opening]:
    """Return the calls that open a file without a Host."""
    tree = ast.parse(source)
    names = _names_of_machine_paths(tree)
    return [
        Opening(call.lineno, ast.unparse(call), _mentions(call, names))
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and _opens(call)
    ]


def questions(source: str) -> list[str]:
    """Return what asks this machine for its name, its processor or its sizes without a Host."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in _ASKS.get(node.value.id, ()):
                found.append(ast.unparse(node))
        elif isinstance(node, ast.ImportFrom) and node.module in _ASKS:
            found += [f"{node.module}.{one.name}" for one in node.names if one.name in _ASKS[node.module]]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = (
                [one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            )
            found += [name for name in modules if name.partition(".")[0] == "psutil"]
    return found


def _opens(call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id in ("open", "scandir", "listdir")
    if not isinstance(function, ast.Attribute):
        return False
    owner = ast.unparse(function.value)
    if owner in ("os", "io", "os.path"):
        return function.attr in (_OS_PATH if owner == "os.path" else _OS)
    if function.attr in _OF_PATH or owner.startswith(("Path(", "pathlib.Path(")):
        return function.attr in _OF_PATH | _OF_BOTH
    if function.attr == "open":
        return bool(call.args) and _is_mode(call.args[0])
    return function.attr in _OF_BOTH and not call.args and owner not in ("self", "cls")


def _is_mode(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and set(node.value) <= set("rwxabt+")
    )


def _mentions(node: ast.AST, names: frozenset[str]) -> bool:
    """Return whether a path of the machine is in an expression, or a name that stands for one."""
    return any(
        _is_machine_path(part)
        or (isinstance(part, ast.Name) and part.id in names)
        or (isinstance(part, ast.Attribute) and part.attr in names)
        for part in ast.walk(node)
    )


def _is_machine_path(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return False
    return node.value in MACHINE or node.value.startswith(tuple(f"{folder}/" for folder in MACHINE))


def _names_of_machine_paths(tree: ast.AST) -> frozenset[str]:
    """Return the names that are bound to such a path: variables, fields, defaults of parameters."""
    names: frozenset[str] = frozenset()
    while True:
        found = names | {name for name, value in _bindings(tree) if _mentions(value, names)}
        if found == names:
            return names
        names = found


def _bindings(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from (
                    (t.id, value) for t in targets if isinstance(t, ast.Name) and not _calls_out(value)
                )
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if not _calls_out(value):
                yield name, value
            case ast.For(target=ast.Name(id=name), iter=value) if not _calls_out(value):
                yield name, value
            case ast.arguments():
                positional = [*node.posonlyargs, *node.args]
                defaults = zip(positional[len(positional) - len(node.defaults) :], node.defaults, strict=True)
                yield from ((one.arg, value) for one, value in defaults)
                yield from (
                    (one.arg, value)
                    for one, value in zip(node.kwonlyargs, node.kw_defaults, strict=True)
                    if value is not None
                )


def _calls_out(value: ast.expr) -> bool:
    """Return whether a value is what a function makes of its arguments, and so not the path any more."""
    return isinstance(value, ast.Call) and not ast.unparse(value.func).endswith(("Path", "joinpath", "str"))
