"""Read lists of functions that ftrace knows; each line begins with a name.

    vfs_read                    set_ftrace_filter; of a module's function   ext4_map_blocks [ext4]
    vfs_read (1) R I            enabled_functions; of a module's function   ext4_map_blocks [ext4] (1)

See Documentation/trace/ftrace.rst, "set_ftrace_filter" and "enabled_functions". The latter lists the
functions to which anybody has attached something.
"""

from ktrace.tracefs.files import Files


def read_enabled_functions(files: Files) -> frozenset[str]:
    """Return the functions in `enabled_functions`, without modules. Raises OSError if it is missing."""
    return frozenset(_names(files.read("enabled_functions")))


def match_functions(files: Files, pattern: str) -> list[str]:
    """Return the functions that a wildcard matches and ftrace can attach to, in address order.

    Several functions with the same name are all in the result.

    Args:
        files: of an instance in which nothing traces functions: its filter is changed.
        pattern: `*`, `?` and `[...]`, without a module. It must not begin with `!`, which removes functions.

    Raises:
        OSError: the kernel cannot trace functions, or none matches (EINVAL).
    """
    files.write("set_ftrace_filter", pattern)
    return _names(files.read("set_ftrace_filter"))


def _names(text: str) -> list[str]:
    return [line.split(None, 1)[0] for line in text.splitlines() if line.strip() and line[0] not in "#\t "]
