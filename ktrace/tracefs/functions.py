"""Lists of functions that ftrace knows, each a line that begins with the name.

    vfs_read                    set_ftrace_filter; of a module's function   ext4_map_blocks [ext4]
    vfs_read (1) R I            enabled_functions; of a module's function   ext4_map_blocks [ext4] (1)

See Documentation/trace/ftrace.rst, "set_ftrace_filter" and "enabled_functions": those that ftrace has
something attached to, whoever did it.
"""

from ktrace.tracefs.files import Files


def read_enabled_functions(files: Files) -> frozenset[str]:
    """Those of `enabled_functions`, without their modules. Raises OSError where the kernel does not say."""
    return frozenset(_names(files.read("enabled_functions")))


def match_functions(files: Files, pattern: str) -> list[str]:
    """The functions that ftrace can attach to and that a wildcard matches, in the order of their addresses.

    One that there are several of stands there several times.

    Args:
        files: those of an instance in which nothing traces functions: its filter is added to.
        pattern: `*`, `?` and `[...]`, without a module; it does not begin with `!`, which takes away.

    Raises:
        OSError: the kernel does not trace functions, or none matches (EINVAL).
    """
    files.write("set_ftrace_filter", pattern)
    return _names(files.read("set_ftrace_filter"))


def _names(text: str) -> list[str]:
    return [line.split(None, 1)[0] for line in text.splitlines() if line.strip() and line[0] not in "#\t "]
