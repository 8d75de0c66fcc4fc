"""The table of commands: name, summary and function. Only the chosen command's module is imported.

`ktrace --help` is printed from this table, so it loads no command, and not even typer.
"""

from ktrace.records import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        group: what it is for, in a word or two; `ktrace --help` shows the commands by group.
        name: the word after `ktrace`.
        summary: what it does, in one line.
        function: the name of its function, if Python reserves `name`; "" if both are the same.
    """

    group: str
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
    Command("probe", "add", "define a probe: a function, an offset in it, its return"),
    Command("probe", "list", "show every kprobe and dynamic event, with hits and misses", "list_"),
    Command("probe", "show", "show one event: definition, format, filter, hits"),
    Command("probe", "enable", "enable probes in the kernel's top buffer"),
    Command("probe", "disable", "disable probes"),
    Command("probe", "remove", "remove probes"),
    Command("probe", "switch", "arm or disarm all kprobes of the system"),
    Command("watch", "trace", "stream events of existing probes, or of probes for this run"),
    Command("watch", "top", "show what is hit most often, live on the whole terminal"),
    Command("watch", "graph", "show what a function calls, and how long each call takes"),
    Command("watch", "run", "run a SystemTap script: no compiler, no kernel module"),
    Command("count", "count", "count hits of functions and events, in the kernel"),
    Command("count", "hist", "show the distribution of an argument or a return value"),
    Command("count", "latency", "show how long a function takes, or the time between events"),
    Command("count", "stack", "count the stacks that lead to a place; draw flame graphs"),
    Command("analyse", "record", "record events to a file, in the format of trace-cmd"),
    Command("analyse", "report", "show a recording by ktrace or trace-cmd"),
    Command("analyse", "sql", "run an SQL query on a recording"),
    Command("analyse", "parse", "convert the text of a trace to JSON Lines"),
    Command("look up", "funcs", "show functions: module, can be probed or not, declaration"),
    Command("look up", "type", "show a type's members with their offsets", "type_"),
    Command("look up", "lines", "show a function's source lines and which can be probed"),
    Command("look up", "vars", "show a function's arguments and local variables", "vars_"),
    Command("look up", "examples", "show questions, and the command lines that answer them"),
    Command("machine", "doctor", "show what works here, and how to fix what does not"),
    Command("machine", "config", "show the settings in force, and where they come from"),
    Command("machine", "clean", "remove what dead ktrace sessions left"),
    Command("machine", "vm", "boot a real kernel in QEMU and run a command in it"),
    Command("machine", "version", "print ktrace's version, Python's and the kernel's"),
)


def find(name: str) -> Command | None:
    """Return the command of that name."""
    return next((command for command in COMMANDS if command.name == name), None)
