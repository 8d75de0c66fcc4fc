import pytest

from ktrace.symbols.dwarf.source_place import FileLines, FunctionLines, SourceGlob, SourcePlace, parse


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("vfs_read:12", FunctionLines("vfs_read", 12)),
        ("vfs_read:0-5", FunctionLines("vfs_read", 0, 5)),
        ("foo.isra.0:3", FunctionLines("foo.isra.0", 3)),
        ("fs/read_write.c:474", FileLines("fs/read_write.c", 474)),
        ("slab.h:10-20", FileLines("slab.h", 10, 20)),
        (":kernel/bpf/*", SourceGlob("kernel/bpf/*")),
        ("vfs_read", None),
        ("ext4:ext4_file_open", None),
        ("vfs_read+0x10", None),
        ("sched:sched_switch", None),
        (":", None),
    ],
)
def test_parse(text: str, place: SourcePlace | None) -> None:
    assert parse(text) == place
