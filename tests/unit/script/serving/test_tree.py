"""FUSE messages, as the kernel sends them and as it reads the replies."""

import errno
import stat
import struct

import pytest

from ktrace.script.serving.offer import Offer
from ktrace.script.serving.tree import Tree

OWNER = (7, 8)


def tree(**offers: Offer) -> Tree:
    made = Tree(OWNER, 5_000_000_001)
    made.add({one.path: one for one in offers.values()})
    return made


def ask(of: Tree, opcode: int, node: int, body: bytes = b"") -> tuple[int, bytes]:
    request = struct.pack("=IIQQIIIHH", 40 + len(body), opcode, 99, node, 0, 0, 1, 0, 0) + body
    reply = of.answer(request)
    assert reply is not None
    size, error, unique = struct.unpack_from("=IiQ", reply)
    assert (size, unique) == (len(reply), 99)
    return -error, reply[16:]


def look_up(of: Tree, node: int, name: bytes) -> tuple[int, int]:
    """Return the node of a name, and its mode."""
    error, body = ask(of, 1, node, name + b"\0")
    assert error == 0 and len(body) == 40 + 88
    return struct.unpack_from("=Q", body)[0], struct.unpack_from("=I", body, 40 + 60)[0]


def opened(of: Tree, node: int, flags: int) -> tuple[int, int]:
    error, body = ask(of, 14, node, struct.pack("=II", flags, 0))
    return error, struct.unpack_from("=Q", body)[0] if body else 0


def read(of: Tree, handle: int, offset: int, size: int) -> bytes:
    return ask(of, 15, 2, struct.pack("=QQIIQII", handle, offset, size, 0, 0, 0, 0))[1]


def write(of: Tree, node: int, data: bytes) -> tuple[int, bytes]:
    return ask(of, 16, node, struct.pack("=QQIIQII", 1, 0, len(data), 0, 0, 0, 0) + data)


def test_the_handshake() -> None:
    error, body = ask(tree(), 26, 0, struct.pack("=IIII", 7, 39, 0, 0))
    assert error == 0 and len(body) == 64 and struct.unpack_from("=II", body) == (7, 31)


def test_a_reader_gets_the_text_of_its_open() -> None:
    texts = iter([b"first", b"second"])
    made = tree(a=Offer("dir/file", 0o440, read=lambda: next(texts)))
    folder, mode = look_up(made, 1, b"dir")
    assert stat.S_ISDIR(mode)
    node, mode = look_up(made, folder, b"file")
    assert mode == stat.S_IFREG | 0o440
    (_, one), (_, two) = opened(made, node, 0), opened(made, node, 0)
    assert (read(made, one, 0, 3), read(made, one, 3, 100), read(made, one, 5, 9)) == (b"fir", b"st", b"")
    assert read(made, two, 0, 100) == b"second"


def test_a_write_is_taken_as_far_as_the_handler_takes_it() -> None:
    got: list[bytes] = []

    def take(data: bytes) -> int:
        got.append(data)
        return min(len(data), 3)

    made = tree(a=Offer("f", 0o200, write=take))
    node, _ = look_up(made, 1, b"f")
    assert write(made, node, b"hello") == (0, struct.pack("=II", 3, 0))
    assert got == [b"hello"]


@pytest.mark.parametrize(
    ("opcode", "node", "body", "expected"),
    [
        (1, 1, b"nope\0", errno.ENOENT),
        (1, 77, b"x\0", errno.ESTALE),
        (14, 1, struct.pack("=II", 0, 0), errno.EISDIR),
        (14, 2, struct.pack("=II", 1, 0), errno.EACCES),  # written, but only read
        (14, 3, struct.pack("=II", 0, 0), errno.EIO),  # the handler failed
        (16, 4, struct.pack("=QQIIQII", 1, 0, 1, 0, 0, 0, 0) + b"x", errno.EIO),
        (4, 2, struct.pack("=II", 1, 0) + b"\0" * 80, errno.EPERM),  # chmod
        (9, 1, b"\0" * 8 + b"dir\0", errno.EPERM),  # mkdir
        (11, 1, b"only-read\0", errno.EPERM),  # unlink
        (22, 2, b"", errno.ENOSYS),  # getxattr
    ],
)
def test_what_cannot_be_done_has_its_number(opcode: int, node: int, body: bytes, expected: int) -> None:
    made = tree(
        a=Offer("only-read", 0o400, read=lambda: b"x"),
        b=Offer("failing", 0o400, read=lambda: None),
        c=Offer("refusing", 0o200, write=lambda _: 0),
    )
    assert ask(made, opcode, node, body)[0] == expected


def test_a_listing_that_does_not_fit_goes_on() -> None:
    made = tree(**{f"f{i}": Offer(f"file{i:02}", 0o400, read=lambda: b"") for i in range(30)})
    names: list[bytes] = []
    offset = 0
    while body := ask(made, 28, 1, struct.pack("=QQIIQII", 0, offset, 256, 0, 0, 0, 0))[1]:
        while body:
            _, offset, size, _ = struct.unpack_from("=QQII", body)
            names.append(body[24 : 24 + size])
            body = body[24 + size + -(24 + size) % 8 :]
    assert names == [b".", b"..", *(b"file%02d" % i for i in range(30))]


def test_a_file_within_a_file_is_refused() -> None:
    with pytest.raises(ValueError, match="a/b"):
        tree(a=Offer("a", 0o400, read=lambda: b""), b=Offer("a/b", 0o400, read=lambda: b""))
    with pytest.raises(ValueError, match="a"):
        tree(b=Offer("a/b", 0o400, read=lambda: b""), a=Offer("a", 0o400, read=lambda: b""))


def test_messages_without_a_reply() -> None:
    for opcode in (2, 36, 42):
        assert tree().answer(struct.pack("=IIQQIIIHH", 40, opcode, 1, 1, 0, 0, 0, 0, 0)) is None
