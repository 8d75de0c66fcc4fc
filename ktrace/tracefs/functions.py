"""`enabled_functions`: those that ftrace has something attached to, whoever did it.

See Documentation/trace/ftrace.rst, "enabled_functions". A line of it begins

    vfs_read (1) R I            and of a module's   ext4_map_blocks [ext4] (1)
"""

from ktrace.tracefs.files import Files


def read_enabled_functions(files: Files) -> frozenset[str]:
    """Their names, without those of modules. Raises OSError where the kernel does not say."""
    lines = files.read("enabled_functions").splitlines()
    return frozenset(line.split(None, 1)[0] for line in lines if line.strip() and line[0] not in "#\t ")
