"""Write the completions for bash, zsh and fish from the commands' own declarations.

    python completions/generate.py            # write them
    python completions/generate.py --check    # exit 1 if they are stale

All three ask one engine, `templates/engine.sh`, into which the options of every command are filled;
what is different between shells is only how words come in and candidates go out.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from ktrace.cli.one_liners import ONE_LINERS  # noqa: E402 -- after the path that finds ktrace in this tree
from ktrace.cli.parser import parser_of  # noqa: E402 -- as above
from ktrace.cli.registry import COMMANDS, Command  # noqa: E402 -- as above
from ktrace.model.fetch_types import TYPES  # noqa: E402 -- as above
from ktrace.model.registers import CONVENTIONS  # noqa: E402 -- as above
from ktrace.vm.debian import SERIES  # noqa: E402 -- as above

NAMES = ("ktrace.bash", "_ktrace", "ktrace.fish")

# What the words of a command are; of others, nothing is known but their choices.
_WORDS = {
    "add": "functions",
    "trace": "targets",
    "list": "probes",
    "show": "events",
    "enable": "probes",
    "disable": "probes",
    "remove": "probes",
    "funcs": "functions",
    "lines": "functions",
    "vars": "functions",
    "top": "targets",
    "count": "targets",
    "stack": "targets",
    "record": "targets",
    "latency": "targets",
    "hist": "targets",
    "graph": "functions",
    "run": "files",
    "report": "files",
    "sql": "recordings",
    "parse": "files",
    "vm": "command",
    "examples": "questions",
}
# What the value of an option is: by its name, then by its metavariable.
_VALUES = {
    "--pid": "processes",
    "--group": "groups",
    "--clock": "clocks",
    "--kernel": "kernels",
    "--by": "keys",
    "--sum": "fields",
    "--filter": "fields",
    "--stop-on": "fields",
    "--snapshot-on": "fields",
    "--on": "fields",
    "--start-on": "events",
    "--module": "modules",
    "--force": "sessions",
    "-x": "processes",
    "--event": "recorded",
    "--exclude": "functions",
    "--hide": "functions",
}
_METAVARS = {
    **{"FILE": "files", "OUT": "files", "DIR": "dirs", "CMD": "command"},
    **{"TIME": "times", "SIZE": "sizes", "LIST": "cpus"},
}
FREE = ("N", "NAME", "EXPR", "SCRIPT", "NAME=VALUE", "POINT", "PORT", "MIN:MAX:STEP", "WORDS")
"""Metavariables of values that nobody can list."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its spellings, what it is for, and what its value is (None: it takes none)."""

    spellings: tuple[str, ...]
    help: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Words:
    """One command as a completion sees it."""

    name: str
    summary: str
    options: tuple[Option, ...]
    words: str


def read_commands() -> list[Words]:
    """Every command of the registry, with the parameters that its function declares."""
    return [_read(command) for command in COMMANDS]


def _read(command: Command) -> Words:
    parameters: list[Any] = parser_of(command).params
    options = [_option(p) for p in parameters if p.param_type_name == "option" and not p.hidden]
    kinds = [_choices(p) for p in parameters if p.param_type_name == "argument"]
    words = _WORDS.get(command.name) or next((kind for kind in kinds if kind), "nothing")
    help_ = Option(("-h", "--help"), "Show what it does, with examples.", None)
    return Words(command.name, command.summary, (*options, help_), words)


def _option(parameter: Any) -> Option:
    spellings = (*parameter.opts, *parameter.secondary_opts)
    if parameter.is_flag or parameter.count:
        value = None
    else:
        named = next((_VALUES[s] for s in spellings if s in _VALUES), None)
        value = named or _METAVARS.get(parameter.metavar or "") or _choices(parameter) or "nothing"
    return Option(spellings, parameter.help or "", value)


def _choices(parameter: Any) -> str | None:
    choices = getattr(parameter.type, "choices", None)
    return "one-of:" + ",".join(str(getattr(c, "value", c)) for c in choices) if choices else None


def engine() -> str:
    """Return the engine with every table filled in."""
    commands = read_commands()
    text = (HERE / "templates/engine.sh").read_text()
    for mark, lines in {
        "@COMMANDS@": [f"  offer {c.name} {_sh(c.summary)}" for c in commands],
        "@OPTIONS@": list(_option_lines(commands)),
        "@VALUES@": list(_value_lines(commands)),
        "@WORDS@": [f"    {c.name}) kind={c.words} ;;" for c in commands if c.words != "nothing"],
        "@REGISTERS@": list(_register_lines()),
    }.items():
        text = text.replace(mark, "\n".join(lines))
    text = text.replace("@QUESTIONS@", " ".join(_question_words()))
    return text.replace("@SERIES@", " ".join(SERIES)).replace("@TYPES@", " ".join(one.name for one in TYPES))


def render() -> dict[str, str]:
    """File name to text, of all three."""
    text = engine()
    quoted = {"ktrace.bash": _sh(text), "_ktrace": _sh(text), "ktrace.fish": _fish(text)}
    return {name: (HERE / "templates" / name).read_text().replace("@ENGINE@", quoted[name]) for name in NAMES}


def stale() -> list[str]:
    """Names of files that are not what they would be if written now."""
    return [
        name
        for name, text in render().items()
        if not (HERE / name).exists() or (HERE / name).read_text() != text
    ]


def _option_lines(commands: list[Words]) -> Iterator[str]:
    for command in commands:
        yield f"    {command.name})"
        for option in command.options:
            for spelling in option.spellings:
                yield f"      offer {spelling} {_sh(option.help)}"
        yield "      ;;"


def _value_lines(commands: list[Words]) -> Iterator[str]:
    for command in commands:
        for option in command.options:
            if option.value is not None:
                patterns = " | ".join(f"'{command.name} {s}'" for s in option.spellings)
                yield f"    {patterns}) kind={option.value} ;;"


def _question_words() -> list[str]:
    """Return the words of the questions that `ktrace examples` answers."""
    words = {word for one in ONE_LINERS for word in re.findall(r"[a-z]{4,}", f"{one.question} {one.words}")}
    return sorted(words)


def _register_lines() -> Iterator[str]:
    for machine, c in CONVENTIONS.items():
        names = " ".join(f"%{name}" for name in dict.fromkeys((*c.args, c.retval, c.sp, c.ip, c.flags)))
        yield f"    {machine}) registers='{names}' ;;"


def _sh(text: str) -> str:
    """Quoted for sh, bash and zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    """Quoted for fish, where a backslash within single quotes escapes itself and the quote."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def main(argv: list[str]) -> int:
    """Write or check."""
    old = stale()
    if argv == ["--check"]:
        for name in old:
            print(f"completions/{name} is stale: python completions/generate.py", file=sys.stderr)
        return 1 if old else 0
    for name, text in render().items():
        (HERE / name).write_text(text)
    print("\n".join(f"wrote completions/{name}" for name in old) or "nothing has changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
