"""The table of commands: name, summary and function. Only the chosen command's module is imported.

`ktrace --help` is printed from this table, so it loads no command, and not even typer.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    By default, its function has the command's name; `function` is set if Python reserves that name.
    """

    name: str
    summary: str
    function: str = ""

    @property
    def module(self) -> str:
        """Return the module that contains the command."""
        return f"ktrace.cli.commands.{self.name}"

    @property
    def attribute(self) -> str:
        """Return the name of the function in the module."""
        return self.function or self.name


COMMANDS = (
    Command("add", "define a probe: a function, an offset in it, its return"),
    Command("list", "show every kprobe and dynamic event, with hits and misses", "list_"),
    Command("show", "show one event: definition, format, filter, hits"),
    Command("enable", "enable probes in the kernel's top buffer"),
    Command("disable", "disable probes"),
    Command("remove", "remove probes"),
    Command("switch", "arm or disarm all kprobes of the system"),
    Command("trace", "stream events of existing probes, or of probes for this run"),
    Command("graph", "show what a function calls, and how long each call takes"),
    Command("record", "record events to a file, in the format of trace-cmd"),
    Command("report", "show a recording by ktrace or trace-cmd"),
    Command("sql", "run an SQL query on a recording"),
    Command("count", "count hits of functions and events, in the kernel"),
    Command("run", "run a SystemTap script: no compiler, no kernel module"),
    Command("hist", "show the distribution of an argument or a return value"),
    Command("top", "show what is hit most often, live on the whole terminal"),
    Command("stack", "count the stacks that lead to a place; draw flame graphs"),
    Command("latency", "show how long a function takes, or the time between two events"),
    Command("funcs", "show functions: module, whether they can be probed, declaration"),
    Command("type", "show a type's members with their offsets", "type_"),
    Command("lines", "show a function's source lines and which can be probed"),
    Command("vars", "show a function's arguments and local variables", "vars_"),
    Command("parse", "convert the text of a trace to JSON Lines"),
    Command("clean", "remove what dead ktrace sessions left"),
    Command("doctor", "show what works on this machine, and how to fix what does not"),
    Command("vm", "boot a real kernel in QEMU and run a command in it"),
    Command("version", "print ktrace's version, Python's and the kernel's"),
)


def find(name: str) -> Command | None:
    """Return the command of that name."""
    return next((command for command in COMMANDS if command.name == name), None)
