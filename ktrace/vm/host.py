"""This side of a guest: the sockets that lead into it, and the processes that make it run."""

import os
import socket
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from ktrace.errors import VmError
from ktrace.vm import children


class Host:
    """Holds everything that must be gone afterwards. As a context manager, it sees to that.

    `messages` is a descriptor with what QEMU and virtiofsd print.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._far: list[int] = []
        self._children: list[subprocess.Popen[bytes]] = []
        self.messages, self._complaints = os.pipe2(os.O_CLOEXEC)
        self._stack.callback(os.close, self.messages)
        self._keep(self._complaints)

    def __enter__(self) -> "Host":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._close_far_ends()
        self._stack.close()

    def wire(self) -> tuple[socket.socket, int]:
        """A connection into the guest: our end, and the descriptor that QEMU will have."""
        near, far = socket.socketpair()
        self._stack.enter_context(near)
        return near, self._keep(far.detach())

    def file(self, content: bytes) -> int:
        """A file in memory that QEMU can open as /proc/self/fd/NUMBER."""
        descriptor = os.memfd_create("initrd", os.MFD_CLOEXEC)
        self._keep(descriptor)
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        return descriptor

    def serve(self, argv: Callable[[int], list[str]], *, read_only: bool = False) -> int:
        """Start a server that accepts one connection; return the descriptor of that connection.

        Args:
            argv: the words to execute, given the descriptor of the listening socket.
            read_only: the server cannot write to files: a guest's root user could mount what is
                served for writing, whatever we told it.
        """
        with socket.socket(socket.AF_UNIX) as listener:
            # Connected to before the server starts: by then the name is gone again.
            with tempfile.TemporaryDirectory(prefix="ktrace-vm-") as folder:
                name = str(Path(folder) / "socket")
                listener.bind(name)
                listener.listen(1)
                client = socket.socket(socket.AF_UNIX)
                client.connect(name)
                far = self._keep(client.detach())
            self._spawn(argv(listener.fileno()), [listener.fileno()], read_only=read_only)
        return far

    def start(self, argv: Sequence[str]) -> None:
        """Start QEMU with all far ends. From then on, a near end's hang-up is the guest's end."""
        self._spawn(argv, self._far)
        self._close_far_ends()

    def kill(self) -> None:
        """End every process. The guest is not asked: what it had to say, it has said."""
        for child in reversed(self._children):
            children.end(child)
        self._children.clear()

    def _spawn(self, argv: Sequence[str], fds: Sequence[int], *, read_only: bool = False) -> None:
        try:
            child = children.spawn(argv, fds=fds, output=self._complaints, read_only=read_only)
            self._children.append(child)
        except OSError as error:
            raise VmError(f"{argv[0]}: cannot be started: {error.strerror}") from error

    def _keep(self, descriptor: int) -> int:
        self._far.append(descriptor)
        return descriptor

    def _close_far_ends(self) -> None:
        for descriptor in self._far:
            os.close(descriptor)
        self._far.clear()
