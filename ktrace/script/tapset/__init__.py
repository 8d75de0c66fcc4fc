"""Aliases and functions shipped with ktrace: script files that are read when a script uses them."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

from ktrace.records import dataclass
from ktrace.script.kernel_interface import Machine
from ktrace.script.language.ast import Assign, Call, Crement, Foreach, Name, Node, walk
from ktrace.script.language.definitions import Alias, Point, Script
from ktrace.script.language.facts import Facts
from ktrace.script.language.parser import parse
from ktrace.script.language.points import sequences
from ktrace.script.language.preprocess import Preprocessor
from ktrace.script.language.source import SourceFile


@dataclass(frozen=True, slots=True)
class Tapset:
    """The tapset. A file of aliases is read when a probe point begins with its name.

    Args:
        facts: the facts that `%( %)` conditions test, and the script's arguments.
        machine: provides the names of system calls; None without a kernel.
    """

    facts: Facts
    machine: Machine | None

    def aliases(self, script: Script) -> tuple[Alias, ...]:
        """Return the aliases that the probe points of a script may use."""
        found: list[Alias] = []
        todo = [point.parts[0].name for point in _points(script)]
        wild = [word for word in todo if "*" in word]
        todo += [name for name in (_families() if wild else ()) if any(fnmatchcase(name, w) for w in wild)]
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            more = self._aliases(name, script)
            found += more
            todo += [p.parts[0].name for alias in more for p in alias.points]
        return tuple(found)

    def with_library(self, script: Script, aliases: Sequence[Alias]) -> Script:
        """Add the tapset's functions and variables that a script and these aliases use."""
        names = _names((*_bodies(script), *(body for alias in aliases for body in alias.bodies)))
        own = {one.name for one in script.functions} | {one.name for one in script.globals}
        while True:
            found = [f for f in _library() if f.defines & names and not f.defines & own]
            if not found:
                return script
            for one in found:
                text = one.text if one.name != "argv" else _argv(self.facts.arguments)
                more = parse(SourceFile(f"<tapset {one.name}>", text, tapset=True), Preprocessor(self.facts))
                kept = Script(
                    more.globals, tuple(f for f in more.functions if f.name not in own), more.probes
                )
                script += kept
                own |= one.defines
                names |= _names(_bodies(kept))

    def _aliases(self, name: str, script: Script) -> tuple[Alias, ...]:
        if name in _SYSCALLS:
            from ktrace.script.tapset.syscalls import syscall_aliases  # noqa: PLC0415 -- has large tables

            read, taken = _names(_bodies(script)), _assigned(script)
            text = syscall_aliases(name, _points(script), self.machine, read, self.facts.arch, taken)
            return parse(SourceFile(f"<tapset {name}>", text, tapset=True), self._with_macros()).aliases
        file = resources.files(__package__).joinpath(f"{name[:_NAME_MAX]}.stp")
        if not name.isidentifier() or len(name) > _NAME_MAX or not file.is_file():
            return ()
        source = SourceFile(f"<tapset {name}.stp>", file.read_text("utf-8"), tapset=True)
        return parse(source, self._with_macros()).aliases

    def _with_macros(self) -> Preprocessor:
        """Return a preprocessor that knows the macros that files of aliases share."""
        made = Preprocessor(self.facts)
        text = resources.files(__package__).joinpath("macros.stpm").read_text("utf-8")
        parse(SourceFile("<tapset macros.stpm>", text, tapset=True), made)
        return made


@dataclass(frozen=True, slots=True)
class _Piece:
    """A file of functions and variables that belong together.

    Attributes:
        defines: the names that a script may use.
    """

    name: str
    text: str
    defines: frozenset[str]


_SYSCALLS = ("syscall", "nd_syscall", "syscall_any", "nd_syscall_any")
_NAME_MAX = 64  # longest file name here; the system refuses far longer ones with an error
_ARGUMENTS_MAX = 64  # arguments that have variables: argv_1 and so on
_DEFINES = re.compile(r"^(?:function|global) (\w+(?:, \w+)*)", re.MULTILINE)


def _families() -> list[str]:
    """Return the first words of all aliases."""
    files = (file.name for file in resources.files(__package__).iterdir())
    return sorted((*_SYSCALLS, *(name.removesuffix(".stp") for name in files if name.endswith(".stp"))))


@cache
def _library() -> tuple[_Piece, ...]:
    """Return the files in `functions`. Their `private` definitions cannot be used elsewhere."""
    numbered = (f"argv_{i}" for i in range(1, _ARGUMENTS_MAX + 1))
    found = [_Piece("argv", "", frozenset(("argc", "argv", *numbered)))]
    for file in sorted(resources.files(__package__).joinpath("functions").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".stp"):
            text = file.read_text("utf-8")
            names = {name for names in _DEFINES.findall(text) for name in names.split(", ")}
            found.append(_Piece(file.name, text, frozenset(names)))
    return tuple(found)


def _argv(arguments: Sequence[str]) -> str:
    """Return script text that defines `argc`, `argv_1` and so on, and `argv`, an array from index 1."""
    words = [
        "".join(f"\\{byte:03o}" for byte in word.encode("utf-8", "surrogateescape")) for word in arguments
    ]
    lines = [f"global argc = {len(arguments)}, argv"]
    lines += [f'global argv_{i} = "{word}"' for i, word in enumerate(words[:_ARGUMENTS_MAX], 1)]
    lines.append("probe begin(-9223372036854775807) {")
    lines += [f'    argv[{i}] = "{word}"' for i, word in enumerate(words, 1)]
    return "\n".join([*lines, "}"]) if arguments else lines[0] + '\nprobe never { argv[0] = "" }'


def names_of(script: Script, tapsets: Sequence[Script]) -> set[str]:
    """Return the names of functions and variables that a script and the aliases of tapsets use."""
    return _names(
        (*_bodies(script), *(body for one in tapsets for alias in one.aliases for body in alias.bodies))
    )


def _bodies(script: Script) -> list[Node]:
    found: list[Node] = [probe.body for probe in script.probes]
    found += [function.body for function in script.functions]
    found += [body for alias in script.aliases for body in alias.bodies]
    return found + [point.condition for point in _points(script) if point.condition is not None]


def _names(bodies: Iterable[Node]) -> set[str]:
    """Return the names of functions and variables in bodies."""
    return {node.name for body in bodies for node in walk(body) if isinstance(node, Call | Name)}


def _assigned(script: Script) -> set[str]:
    """Return the names of variables that a script declares or gives values to."""
    found = set(script.global_names)
    for body in _bodies(script):
        for node in walk(body):
            match node:
                case Assign(target=Name(name=name)) | Crement(target=Name(name=name)):
                    found.add(name)
                case Foreach(keys=keys, value=value):
                    found.update(one.name for one in (*keys, value) if one is not None)
    return found


def _points(script: Script) -> list[Point]:
    found = [point for probe in script.probes for point in probe.points]
    found += [point for alias in script.aliases for point in alias.points]
    return [way for point in found for way in sequences(point)]
