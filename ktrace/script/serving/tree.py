"""Answer the kernel's FUSE requests for a tree of files: bytes in, bytes out.

The messages are those of <linux/fuse.h>, version 7.31. A read-only tree of folders with the offered files
in it. The handler of a file runs when it is opened for reading, so that each reader gets one consistent
text. Every write(2) is one call of the handler.
"""

import errno
import stat
import struct
from collections.abc import Callable, Mapping
from dataclasses import field

from ktrace.records import dataclass
from ktrace.script.serving.offer import Offer

WRITE_MAX = 1 << 16
"""The most bytes of a write(2) that arrive as one request."""

REQUEST_MAX = WRITE_MAX + 4096
"""The size of the buffer for requests."""

_IN = struct.Struct("=IIQQIIIHH")  # len, opcode, unique, nodeid, uid, gid, pid, extensions, padding
_OUT = struct.Struct("=IiQ")  # len, error, unique
_ATTR = struct.Struct("=6Q10I")
_ENTRY = struct.Struct("=4Q2I")  # node, generation, seconds for which name and attributes are valid, ns
_INIT = struct.Struct("=IIIIHHIIHHII6I")
_OPEN = struct.Struct("=QII")
_DIRECT_IO = 1  # FOPEN_DIRECT_IO: nothing is cached, and the size does not matter
_ATOMIC_TRUNCATE = 1 << 3  # FUSE_ATOMIC_O_TRUNC: `> FILE` does not need a SETATTR
_CHANGES = 0b111  # FATTR_MODE, FATTR_UID and FATTR_GID
_ROOT = 1
_LOOKUP, _FORGET, _GETATTR, _SETATTR, _OPEN_FILE, _READ, _WRITE, _STATFS = 1, 2, 3, 4, 14, 15, 16, 17
_RELEASE, _INITIALIZE, _OPENDIR, _READDIR, _RELEASEDIR = 18, 26, 27, 28, 29
# SYMLINK, MKNOD, MKDIR, UNLINK, RMDIR, RENAME, LINK, CREATE, RENAME2: nobody changes the tree.
_CHANGING = (6, 8, 9, 10, 11, 12, 13, 35, 45)
_UNANSWERED = (_FORGET, 36, 42)  # FORGET, INTERRUPT, BATCH_FORGET
_ACCESS_MODE = 3


class _Refused(Exception):
    def __init__(self, number: int) -> None:
        self.number = number


@dataclass(slots=True)
class _Node:
    """A folder with the nodes of its names, or a file with its offer."""

    names: dict[str, int] = field(default_factory=dict)
    offer: Offer | None = None


@dataclass(slots=True)
class Tree:
    """The tree of what is offered.

    Args:
        owner: the user and group that own everything.
        time_ns: the time of all files.
    """

    owner: tuple[int, int]
    time_ns: int
    nodes: dict[int, _Node] = field(default_factory=lambda: {_ROOT: _Node()})
    _texts: dict[int, bytes] = field(default_factory=dict)
    _handles: int = 0

    def add(self, offers: Mapping[str, Offer]) -> None:
        """Add files. Raises ValueError if one is also a folder of another."""
        for path, offer in offers.items():
            *folders, name = path.split("/")
            here = self.nodes[_ROOT]
            for folder in folders:
                here = self._child(here, folder)
                if here.offer is not None:
                    raise ValueError(path)
            node = self._child(here, name)
            if node.names or node.offer is not None:
                raise ValueError(path)
            node.offer = offer

    def _child(self, folder: _Node, name: str) -> _Node:
        number = folder.names.setdefault(name, len(self.nodes) + 1)
        return self.nodes.setdefault(number, _Node())

    def answer(self, request: bytes) -> bytes | None:
        """Return the reply to a request; None if it gets none."""
        _, opcode, unique, node, *_ = _IN.unpack_from(request)
        if opcode in _UNANSWERED:
            return None
        body = request[_IN.size :]
        answers: Mapping[int, Callable[[int, bytes], bytes]] = {
            _INITIALIZE: lambda _node, _body: _initialized(),
            _LOOKUP: self._look_up,
            _GETATTR: lambda number, _body: self._status(number),
            _SETATTR: self._change,
            _OPEN_FILE: self._open,
            _READ: self._read,
            _WRITE: self._write,
            _RELEASE: self._release,
            _OPENDIR: lambda _node, _body: _OPEN.pack(0, 0, 0),
            _READDIR: self._list,
            _RELEASEDIR: lambda _node, _body: b"",
            _STATFS: lambda _node, _body: struct.pack("=5Q10I", *[0] * 5, 4096, 255, 4096, *[0] * 7),
        }
        try:
            if opcode not in answers:
                raise _Refused(errno.EPERM if opcode in _CHANGING else errno.ENOSYS)
            reply, number = answers[opcode](node, body), 0
        except _Refused as refused:
            reply, number = b"", refused.number
        return _OUT.pack(_OUT.size + len(reply), -number, unique) + reply

    def _node(self, number: int) -> _Node:
        if number not in self.nodes:
            raise _Refused(errno.ESTALE)
        return self.nodes[number]

    def _attributes(self, number: int) -> bytes:
        offer = self._node(number).offer
        mode = stat.S_IFDIR | 0o555 if offer is None else stat.S_IFREG | offer.mode
        seconds, ns = divmod(self.time_ns, 10**9)
        times = (seconds,) * 3, (ns,) * 3
        return _ATTR.pack(number, 0, 0, *times[0], *times[1], mode, 1, *self.owner, 0, 4096, 0)

    def _look_up(self, number: int, body: bytes) -> bytes:
        name = body.rstrip(b"\0").decode("latin-1")
        found = self._node(number).names.get(name)
        if found is None:
            raise _Refused(errno.ENOENT)
        return _ENTRY.pack(found, 0, 0, 0, 0, 0) + self._attributes(found)

    def _status(self, number: int) -> bytes:
        return struct.pack("=QII", 0, 0, 0) + self._attributes(number)

    def _change(self, number: int, body: bytes) -> bytes:
        if struct.unpack_from("=I", body)[0] & _CHANGES:
            raise _Refused(errno.EPERM)
        return self._status(number)

    def _open(self, number: int, body: bytes) -> bytes:
        offer = self._node(number).offer
        if offer is None:
            raise _Refused(errno.EISDIR)
        access = struct.unpack_from("=I", body)[0] & _ACCESS_MODE
        reads, writes = access in (0, 2), access in (1, 2)
        if (reads and offer.read is None) or (writes and offer.write is None):
            raise _Refused(errno.EACCES)
        self._handles += 1
        if reads and offer.read is not None:
            text = offer.read()
            if text is None:
                raise _Refused(errno.EIO)
            self._texts[self._handles] = text
        return _OPEN.pack(self._handles, _DIRECT_IO, 0)

    def _read(self, _number: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("=QQI", body)
        return self._texts.get(handle, b"")[offset : offset + size]

    def _write(self, number: int, body: bytes) -> bytes:
        size = struct.unpack_from("=QQI", body)[2]
        offer = self._node(number).offer
        if offer is None or offer.write is None:
            raise _Refused(errno.EACCES)
        taken = offer.write(body[40 : 40 + size])
        if not taken and size:
            raise _Refused(errno.EIO)
        return struct.pack("=II", taken, 0)

    def _release(self, _number: int, body: bytes) -> bytes:
        self._texts.pop(struct.unpack_from("=Q", body)[0], None)
        return b""

    def _list(self, number: int, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("=QQI", body)
        made = b""
        names = [(".", number), ("..", _ROOT), *sorted(self._node(number).names.items())]
        for at, (name, node) in enumerate(names[offset:], offset + 1):
            raw = name.encode("latin-1")
            kind = stat.S_IFDIR if name in (".", "..") or self.nodes[node].offer is None else stat.S_IFREG
            entry = struct.pack("=QQII", node, at, len(raw), kind >> 12) + raw
            entry += b"\0" * (-len(entry) % 8)
            if len(made) + len(entry) > size:
                break
            made += entry
        return made


def _initialized() -> bytes:
    """Return the reply to the first request: the version and limits."""
    return _INIT.pack(7, 31, 0, _ATOMIC_TRUNCATE, 12, 9, WRITE_MAX, 1, 0, 0, 0, 0, *[0] * 6)
