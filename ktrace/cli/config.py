"""Settings of the user and of the machine: defaults of options, aliases of commands, colours.

    color = "never"

    [trace]                  # defaults of a command's options, by their long names
    json = true
    clock = "boot"

    [alias]                  # other names for a command with some of its words
    forks = "trace do_fork"

Later ones win: `/etc/ktrace/config.toml`, `~/.config/ktrace/config.toml`, the file of KTRACE_CONFIG,
`KTRACE_COLOR`, `KTRACE_TRACE_CLOCK` and their like, the command line. A file that somebody else could have
written is ignored, with a note: ktrace runs as root.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ktrace.errors import UsageError

SYSTEM = "/etc/ktrace/config.toml"
_PREFIX = "KTRACE_"
_LARGEST = 1 << 20  # bytes of a file

Value: TypeAlias = bool | int | float | str | list[str]


class Option(Protocol):
    """A declared option of a command, with its spellings and the name of its parameter."""

    opts: list[str]
    name: str | None


KNOWN = ("color", "grace")
"""The settings of ktrace itself."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        section: a command, `alias`, or "" for those of ktrace itself.
        name: the option's long name without dashes, the alias, or the setting.
        origin: the file, or the variable of the environment.
    """

    section: str
    name: str
    value: Value
    origin: str

    @property
    def key(self) -> str:
        """Return `trace.clock`, or `color`."""
        return f"{self.section}.{self.name}" if self.section else self.name


@dataclass(frozen=True, slots=True)
class Config:
    """The settings in force.

    Attributes:
        settings: by section and name.
        notes: remarks on files that are ignored.
    """

    settings: Mapping[tuple[str, str], Setting] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def section(self, name: str) -> dict[str, Setting]:
        """Return the settings of a section by their names."""
        return {key: one for (section, key), one in self.settings.items() if section == name}

    def defaults(self, command: str, parameters: Iterable["Option"]) -> dict[str, Value]:
        """Return the defaults of a command's options, by the names of its parameters.

        Raises:
            UsageError: the command has no such option.
        """
        names = {option.removeprefix("--"): one.name for one in parameters for option in one.opts}
        found = {}
        for name, setting in self.section(command).items():
            if name not in names:
                from ktrace.cli.mistakes import meant

                raise UsageError(
                    f"{setting.origin}: {setting.key}: ktrace {command} has no option --{name}",
                    hint=meant(name, (one for one in names if len(one) > 1), f"ktrace {command} --help"),
                )
            found[names[name] or ""] = setting.value
        return found

    def alias(self, name: str) -> list[str] | None:
        """Return the words that an alias stands for. Raises UsageError if they cannot be split."""
        found = self.settings.get(("alias", name))
        if found is None:
            return None
        import shlex

        try:
            words = shlex.split(str(found.value))
        except ValueError as error:
            raise UsageError(f"{found.origin}: alias.{name}: {error}") from None
        if not words:
            raise UsageError(f"{found.origin}: alias.{name} is empty")
        return words


def read(environ: Mapping[str, str], commands: Callable[[str], object], system: str = SYSTEM) -> Config:
    """Read the settings of the files and of the environment.

    Args:
        environ: the environment.
        commands: returns None for a word that is not a command.

    Raises:
        UsageError: a file has a mistake, with its name and line.
    """
    settings: dict[tuple[str, str], Setting] = {}
    notes: list[str] = []
    for path in _paths(environ, system):
        for one in _of_file(path, notes):
            settings[one.section, one.name] = one
            if text := _unknown(one, commands):
                notes.append(text)
    for one in _of_environment(environ, commands):
        settings[one.section, one.name] = one
    return Config(settings, tuple(notes))


def _unknown(one: Setting, commands: Callable[[str], object]) -> str:
    """Return a note about a setting of a file that nothing reads; "" for one that something reads."""
    word = one.section or one.name
    if one.section == "alias" or (commands(one.section) if one.section else one.name in KNOWN):
        return ""
    from ktrace.cli.mistakes import meant
    from ktrace.cli.registry import COMMANDS

    known = [command.name for command in COMMANDS] + ["alias"] if one.section else list(KNOWN)
    what = f"there is no command '{word}'" if one.section else f"there is no setting '{word}'"
    hint = meant(word, known, "").strip()
    return f"{one.origin}: {one.key} is ignored: {what}" + (f": {hint}" if hint else "")


def _paths(environ: Mapping[str, str], system: str) -> Iterator[str]:
    yield system
    if (base := environ.get("XDG_CONFIG_HOME")) and base.startswith("/"):
        yield f"{base}/ktrace/config.toml"
    elif home := environ.get("HOME"):
        yield f"{home}/.config/ktrace/config.toml"
    if named := environ.get("KTRACE_CONFIG"):
        yield named


def _of_file(path: str, notes: list[str]) -> Iterator[Setting]:
    try:
        os.lstat(path)
    except OSError:
        return  # most people have none; what follows is not loaded for them
    import tomllib
    from pathlib import Path

    from ktrace.storage.cache import open_cached

    file = open_cached(Path(path))
    if file is None:
        notes.append(f"{path} is ignored: not a regular file that only you and root can write")
        return
    with file:
        content = file.read(_LARGEST + 1)
    try:
        if len(content) > _LARGEST:
            raise ValueError("it is larger than 1 MiB")
        found = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: {error}", hint="`ktrace config --help` has an example") from None
    for name, value in found.items():
        if isinstance(value, dict):
            for inner, one in value.items():
                yield Setting(name, inner, _checked(one, path, f"{name}.{inner}"), path)
        else:
            yield Setting("", name, _checked(value, path, name), path)


def _checked(value: object, path: str, key: str) -> Value:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return [str(one) for one in value]
    raise UsageError(f"{path}: {key} is neither true, false, a number, a text nor a list of texts")


def _of_environment(environ: Mapping[str, str], commands: Callable[[str], object]) -> Iterator[Setting]:
    """Yield `KTRACE_COLOR` as `color`, `KTRACE_TRACE_BUFFER_SIZE` as `trace.buffer-size`."""
    for variable, text in environ.items():
        if not variable.startswith(_PREFIX) or variable == "KTRACE_CONFIG":
            continue
        name = variable.removeprefix(_PREFIX).lower()
        command, _, option = name.partition("_")
        if option and commands(command):
            yield Setting(command, option.replace("_", "-"), _from_text(text), variable)
        else:
            yield Setting("", name, text, variable)


def _from_text(text: str) -> Value:
    return {"true": True, "false": False}.get(text.lower(), text)
