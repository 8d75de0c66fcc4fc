import shutil
import subprocess

from ktrace.vm import cpio
from tests.unit.unable import unable

ENTRIES = [
    cpio.directory("bin"),
    cpio.regular("bin/tool", b"12345", executable=True),
    cpio.symlink("bin/sh", "tool"),
    cpio.character_device("console", 5, 1),
    cpio.regular("empty", b""),
]


def fields(header: bytes) -> list[int]:
    return [int(header[n : n + 8], 16) for n in range(6, 110, 8)]


def records(archive: bytes) -> list[tuple[str, list[int], bytes]]:
    """Read the archive back, by the format's own rules."""
    found, at = [], 0
    while at < len(archive):
        header = archive[at : at + 110]
        assert header[:6] == b"070701"
        numbers = fields(header)
        size, name_size = numbers[6], numbers[11]
        name = archive[at + 110 : at + 110 + name_size]
        assert name.endswith(b"\0")
        data_at = at + 110 + name_size
        data_at += -data_at % 4
        found.append((name[:-1].decode(), numbers, archive[data_at : data_at + size]))
        at = data_at + size
        at += -at % 4
    return found


def test_every_record_starts_at_a_multiple_of_four_and_reads_back():
    read = records(cpio.archive(ENTRIES))
    assert [name for name, _, _ in read] == ["bin", "bin/tool", "bin/sh", "console", "empty", "TRAILER!!!"]
    assert [data for _, _, data in read] == [b"", b"12345", b"tool", b"", b"", b""]


def test_modes_and_device_numbers():
    read = {name: numbers for name, numbers, _ in records(cpio.archive(ENTRIES))}
    assert read["bin"][1] == 0o40755
    assert read["bin/tool"][1] == 0o100755
    assert read["empty"][1] == 0o100644
    assert read["bin/sh"][1] == 0o120777
    assert read["console"][1] == 0o20600
    assert read["console"][9:11] == [5, 1]


def test_no_two_files_share_an_inode_number():
    # The kernel would take files of one inode number for links to one file.
    numbers = [numbers[0] for _, numbers, _ in records(cpio.archive(ENTRIES))]
    assert len(set(numbers)) == len(numbers)


def test_busybox_reads_it():
    if shutil.which("busybox") is None:
        unable("busybox, the second opinion, is not installed")
    done = subprocess.run(
        ["busybox", "cpio", "-t"], input=cpio.archive(ENTRIES), capture_output=True, check=True
    )
    assert done.stdout.split() == [b"bin", b"bin/tool", b"bin/sh", b"console", b"empty"]
