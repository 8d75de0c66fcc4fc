"""Rules of the house that no linter knows. Layers are in pyproject.toml, read by import-linter."""

import ast
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ktrace.cli.registry import COMMANDS
from tests.unit.docs.blocks import PAGES

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(ROOT.glob("ktrace/**/*.py"))
NAMES = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in MODULES]

# The modules that a small command may load in addition to the standard library. typer 0.28 requires the
# other two. Not among them: numpy, rich, elftools, pydantic, pygments, markdown_it, click.
LIGHT = {"ktrace", "typer", "annotated_doc", "shellingham"}

EVERY_COMMAND = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)


def python(code: str, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter in this tree."""
    return subprocess.run(
        [sys.executable, "-c", code, *argv],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_module_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


LINES_MAX = 60
PARAMETERS_MAX = 6


def lines_of(first: ast.stmt, last: ast.stmt) -> int:
    """Lines from one statement to another."""
    return (last.end_lineno or last.lineno) - first.lineno + 1


def too_large(path: Path, tree: ast.AST) -> Iterator[tuple[str, int, str]]:
    """Each function above a limit: name, line, and how a comment above it has to begin."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        name = f"{path.relative_to(ROOT / 'ktrace')}:{node.name}"
        # A command of typer declares a parameter for each of its options, and its docstring is the help.
        is_command = path.parent.name == "commands" and not node.name.startswith("_")
        first, *rest = node.body
        is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        start = rest[0] if is_text and rest else first
        lines = lines_of(start, node.body[-1])
        if not is_command:
            lines += first.lineno - node.lineno
        if lines > LINES_MAX:
            yield name, node.lineno, "# long: "
        args = node.args
        names = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
        if len([name for name in names if name not in ("self", "cls")]) > PARAMETERS_MAX and not is_command:
            yield name, node.lineno, "# many parameters: "


def explained(lines: list[str], line: int, word: str) -> bool:
    """Return whether the comment directly above a definition says why it is large."""
    at = line - 2
    while at >= 0 and lines[at].lstrip().startswith(("#", "@")):
        if lines[at].lstrip().startswith(word):
            return True
        at -= 1
    return False


def test_functions_fit_on_a_screen_or_say_why() -> None:
    large: dict[str, str] = {}
    for path in MODULES:
        text = path.read_text()
        lines = text.splitlines()
        for name, line, word in too_large(path, ast.parse(text)):
            if not explained(lines, line, word):
                large[name] = word
    assert large == {}, "split them, or say why in a comment above them that begins with these words"


# Facts that one module holds, by how a second spelling of them would look.
ONE_PLACE = {
    "model/suffixes.py": r"constprop|lto_priv|__pfx_|__cfi_",
    "model/fetch_types.py": r"\[usx\]|u\?string|b\\d\+@",
    "model/features.py": r"<argname>|<func-name>|<tracepoint>|hist:keys=|hist trigger\b",
    "model/arg_words.py": r"p\[dD\]|%\(\?!",
    "resolve/place_words.py": r"\Atracepoint:\Z|\(\?P<first>|cc\|cpp",
}


def strings(tree: ast.AST) -> Iterator[str]:
    """Each string but the docstrings; an f-string in its constant parts."""
    bodies = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.Expr)
    parents = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            if isinstance(parents[id(node)], bodies):
                continue
            yield node.value if isinstance(node.value, str) else node.value.decode("latin-1")


def test_a_fact_stands_in_one_place() -> None:
    found = {
        (home, str(path.relative_to(ROOT / "ktrace")))
        for path in MODULES
        for text in strings(ast.parse(path.read_text()))
        for home, spelling in ONE_PLACE.items()
        if re.search(spelling, text)
    }
    assert {pair for pair in found if pair[0] != pair[1]} == set()
    assert {home for home, _ in found} == set(ONE_PLACE)  # otherwise the expressions find nothing any more


# One process for all: between two modules, everything of ktrace is forgotten.
_ALONE = """
import importlib, json, sys, traceback
import numpy, typer  # not what is tested, and slow
failed = {}
for name in sys.argv[1:]:
    for loaded in [m for m in sys.modules if m.split(".")[0] == "ktrace"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except BaseException:
        failed[name] = traceback.format_exc()
print(json.dumps(failed))
"""


def test_every_module_can_be_imported_alone() -> None:
    done = python(_ALONE, *(name for name in NAMES if name != "ktrace.__main__"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {}


# As the console script does it, on a tracing directory of plain files.
_LOADED = """
import json, sys
before = set(sys.modules)
from ktrace.cli.main import main
if sys.argv[1] != "-":
    from ktrace.tracefs import mount
    mount.find_tracing = lambda host: mount.Files(host, sys.argv[1])
    mount.find_debug = lambda host: mount.Files(host, sys.argv[1])
status = main(sys.argv[2:])
tops = {name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
sys.stderr.write("\\n" + json.dumps([status, sorted(tops)]))
"""


@pytest.mark.parametrize(
    "argv",
    [
        ["--help"],
        ["list"],
        ["list", "--json"],
        ["show", "vfs_read"],
        ["add", "--help"],
        ["add", "vfs_write"],
        ["add", "--dry-run", "vfs_write", "count=%dx:u64"],
        ["enable", "vfs_read"],
        ["disable", "vfs_read"],
        ["remove", "vfs_read"],
        ["switch"],
        ["clean"],
        ["trace", "--help"],
        ["parse", "--help"],
        ["doctor", "--help"],
        ["vm", "--help"],
        ["version"],
    ],
    ids=" ".join,
)
def test_commands_that_do_little_load_little(argv: list[str], tracing: Path) -> None:
    done = python(_LOADED, str(tracing), *argv)
    status, loaded = json.loads(done.stderr.splitlines()[-1])
    assert set(loaded) <= LIGHT, done.stderr
    assert status == 0, done.stderr


@pytest.mark.parametrize("argv", [["list"], ["add", "do_fork"]], ids=" ".join)
def test_so_do_those_that_cannot_run_here(argv: list[str]) -> None:
    done = python(_LOADED, "-", *argv)
    assert set(json.loads(done.stderr.splitlines()[-1])[1]) <= LIGHT


@pytest.fixture
def tracing(tmp_path: Path) -> Path:
    """A tracing directory, and debugfs, with one probe; what is written to a control file is appended."""
    files = {
        "kprobe_events": "p:kprobes/vfs_read vfs_read count=%dx:u64\n",
        "dynamic_events": "p:kprobes/vfs_read vfs_read count=%dx:u64\n",
        "kprobe_profile": "  vfs_read  0  0\n",
        "README": "",
        "error_log": "",
        "events/kprobes/vfs_read/enable": "0\n",
        "events/kprobes/vfs_read/filter": "none\n",
        "events/kprobes/vfs_read/trigger": "# Available triggers:\n",
        "events/kprobes/vfs_read/format": FORMAT,
        "kprobes/list": "ffffffff8136b194  k  vfs_read+0x4    [FTRACE]\n",
        "kprobes/enabled": "1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "instances").mkdir()
    return tmp_path


FORMAT = """\
name: vfs_read
ID: 1512
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;
\tfield:u64 count;\toffset:16;\tsize:8;\tsigned:0;

print fmt: "(%lx) count=%Lu", REC->__probe_ip, REC->count
"""


@EVERY_COMMAND
def test_command_has_a_page(command) -> None:
    page = ROOT / "docs" / "commands" / f"{command.name}.md"
    assert page.read_text().startswith(f"# ktrace {command.name}\n")
    assert f"ktrace {command.name}" in page.read_text().split("\n", 1)[1]


@EVERY_COMMAND
def test_readme_leads_to_the_page(command) -> None:
    assert f"[{command.name}](docs/commands/{command.name}.md)" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@EVERY_COMMAND
def test_page_names_every_option(command) -> None:
    page = (ROOT / "docs" / "commands" / f"{command.name}.md").read_text()
    common = (ROOT / "docs" / "options.md").read_text()
    for option in options(command):
        assert option in (common if option == "--verbose" else page)


@EVERY_COMMAND
def test_command_explains_itself_with_an_example(command) -> None:
    function = getattr(importlib.import_module(command.module), command.attribute)
    # Cleaned: since Python 3.13 the compiler takes the indentation away.
    lines = inspect.cleandoc(function.__doc__).splitlines()
    assert [line for line in lines if re.match(rf" {{2,}}ktrace {command.name}\b", line)] != []


@EVERY_COMMAND
def test_help_fits_a_terminal(command) -> None:
    done = python(_HELP, command.name, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert f"Usage: ktrace {command.name}" in done.stdout
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    # No name of a type, of a variable or of an option's opposite: they say nothing to a person.
    assert re.findall(_TYPES, " ".join(done.stdout.split())) == []
    usage = done.stdout.splitlines()[0]
    assert re.findall(r"[\[{](?:[a-z]+s?|[a-z_]+)[\]}](?!:)", usage.replace("[on|off]", "")) == []


_TYPES = r" range>|<=x|x>=|\[default: (?:[a-z]+-|True|False|pushdown)|\b(?:TEXT|INTEGER|FLOAT|BOOLEAN|PATH)\b"
_HELP = "import sys; from ktrace.cli.main import main; sys.exit(main([*sys.argv[1:], '--help']))"


def test_usage_fits_a_terminal_and_names_all() -> None:
    done = python(_HELP, COLUMNS="80")
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    assert done.stdout.count("\n") < 40
    assert all(f"  {command.name} " in done.stdout for command in COMMANDS)


def options(command) -> list[str]:
    """The long options that a command declares."""
    from ktrace.cli.parser import parser_of

    parameters = [one for one in parser_of(command).params if not one.hidden]
    return [o for p in parameters if p.param_type_name == "option" for o in p.opts if o.startswith("--")]


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_every_public_name_is_explained(path: Path) -> None:
    tree = ast.parse(path.read_text())
    bare = [] if ast.get_docstring(tree) else ["the module"]
    for node in public(tree):
        bare += [node.name] if not ast.get_docstring(node) else []
    assert bare == []


def public(tree: ast.AST):
    """Public classes, functions and methods, those of private classes left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("_"):
                continue
            overloaded = any(getattr(d, "id", "") == "overload" for d in node.decorator_list)
            if not overloaded:
                yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)
