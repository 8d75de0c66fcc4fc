"""The host's side of a guest: the sockets into it, and the processes that run it."""

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


class HostSide:
    """The sockets and processes of a guest; the context manager closes and kills them at its end.

    `messages` is a descriptor from which the output of QEMU and virtiofsd can be read.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._far: list[int] = []
        self._children: list[subprocess.Popen[bytes]] = []
        self.messages, self._complaints = os.pipe2(os.O_CLOEXEC)
        self._stack.callback(os.close, self.messages)
        self._keep(self._complaints)

    def __enter__(self) -> "HostSide":
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
        """Create a connection into the guest; return our end and the descriptor for QEMU."""
        near, far = socket.socketpair()
        self._stack.enter_context(near)
        return near, self._keep(far.detach())

    def file(self, content: bytes) -> int:
        """Create a file in memory that QEMU can open as /proc/self/fd/NUMBER."""
        descriptor = os.memfd_create("initrd", os.MFD_CLOEXEC)
        self._keep(descriptor)
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        return descriptor

    def serve(self, argv: Callable[[int], list[str]], *, read_only: bool = False) -> int:
        """Start a server that accepts one connection; return the descriptor of that connection.

        Args:
            argv: returns the command line for the descriptor of the listening socket.
            read_only: keep the server from writing to files, since the guest's root user could mount the
                directory writable despite our settings.
        """
        with socket.socket(socket.AF_UNIX) as listener:
            # Connect before the server starts, so that the socket's name can be removed at once.
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
        """Start QEMU with all far ends.

        From then on, a hang-up of a near end means that the guest has ended.
        """
        self._spawn(argv, self._far)
        self._close_far_ends()

    def kill(self) -> None:
        """Kill every process without asking the guest, which has already sent everything."""
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
