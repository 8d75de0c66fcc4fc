"""A tracing directory whose lists of functions behave as the kernel's."""

import errno
import fnmatch
import os
import shutil
from pathlib import Path

from tests.unit.tracefs.scripted import Scripted

EMPTY = "#### all functions enabled ####\n"
FUNCTIONS = ("vfs_read", "vfs_readv", "vfs_write", "kernel_clone", "mutex_lock")


class GraphFiles(Scripted):
    """`set_graph_function` and `set_ftrace_filter` take FUNCTIONS alone; `!` removes."""

    def __init__(self, root: Path) -> None:
        tree = {
            "set_graph_function": EMPTY,
            "max_graph_depth": "0\n",
            "current_tracer": "nop\n",
            "available_tracers": "function_graph nop\n",
            "set_event": "",
        }
        super().__init__(root, tree)
        (root / "instances").mkdir()

    def listed(self, path: str = "set_graph_function") -> list[str]:
        return [line for line in self.read(path).splitlines() if not line.startswith("#")]

    def buffer(self, name: str, tracer: str = "function_graph") -> None:
        """An instance that uses a tracer."""
        self.put(f"instances/{name}/current_tracer", tracer + "\n")

    def write(self, path: str, text: str) -> None:
        name = path.rpartition("/")[2]
        if name in ("set_graph_function", "set_ftrace_filter"):
            self._ask(path, text)
            chosen = fnmatch.filter(FUNCTIONS, text.lstrip("!"))
            if not chosen:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
            present = self.listed(path) if self.exists(path) else []
            kept = [f for f in present if f not in chosen]
            kept += [] if text.startswith("!") else chosen
            self.put(path, "".join(f + "\n" for f in kept) or EMPTY)
            self._note(path, text)
        elif name in ("max_graph_depth", "current_tracer"):
            self._ask(path, text)
            self.put(path, text + "\n")
            self._note(path, text)
        else:
            super().write(path, text)

    def mkdir(self, path: str) -> None:
        super().mkdir(path)
        self.put(f"{path}/set_ftrace_filter", EMPTY)
        self.put(f"{path}/current_tracer", "nop\n")

    def rmdir(self, path: str) -> None:
        self._ask(path, "rmdir")
        shutil.rmtree(Path(self.root, path))
        self._note(path, "rmdir")
