"""Name addresses of a process: by its mappings, and by the symbols of the files."""

from pathlib import Path

from ktrace.host.local import LocalHost
from ktrace.script.driver.user_symbols import UserSymbols
from ktrace.tracefs.files import Files
from tests.unit.symbols.elf_writer import ALLOC, ElfWriter

TEXT = 0x2000  # address of .text as linked; it begins at byte 64 of the file
MAPPED = 0x555500000000


def process(proc: Path, file: Path, pid: int, start: int = MAPPED) -> None:
    (proc / str(pid)).mkdir(exist_ok=True)
    (proc / str(pid) / "maps").write_text(
        f"{start:x}-{start + 0x1000:x} r-xp 00000000 08:01 123                {file}\n"
        f"{start + 0x2000:x}-{start + 0x3000:x} rw-p 00000000 00:00 0 \n"
        "7ffc00000000-7ffc00001000 rw-p 00000000 00:00 0                          [stack]\n"
    )


def program(path: Path) -> None:
    writer = ElfWriter(type=3)
    writer.section(".text", bytes(64), flags=ALLOC, address=TEXT)
    writer.function("main", TEXT + 16, 32)
    path.write_bytes(writer.build())


def test_functions_of_mapped_files(tmp_path: Path) -> None:
    file = tmp_path / "a program"
    program(file)
    process(tmp_path, file, 7)
    symbols = UserSymbols(Files(LocalHost(), str(tmp_path)))
    assert symbols(7, MAPPED + 64 + 20) == ("main+0x4/0x20", f"{file}+0x54")
    assert symbols(7, MAPPED + 64 + 4) == ("", f"{file}+0x44")
    assert symbols(7, MAPPED + 0x2000) is None
    assert symbols(8, MAPPED) is None


def test_what_is_mapped_later_and_a_process_that_has_ended(tmp_path: Path) -> None:
    file = tmp_path / "x"
    program(file)
    process(tmp_path, file, 7)
    symbols = UserSymbols(Files(LocalHost(), str(tmp_path)))
    assert symbols(7, 0x1000) is None
    process(tmp_path, file, 7, start=0x1000)
    assert symbols(7, 0x1000 + 64 + 16) == ("main+0x0/0x20", f"{file}+0x50")
    (tmp_path / "7" / "maps").unlink()
    assert symbols(7, 0x1000 + 64 + 16) == ("main+0x0/0x20", f"{file}+0x50")
    assert symbols(7, 0x9000) is None


def test_files_that_are_no_programs(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("hello")
    process(tmp_path, file, 7)
    process(tmp_path, tmp_path / "gone", 8)
    symbols = UserSymbols(Files(LocalHost(), str(tmp_path)))
    assert symbols(7, MAPPED + 1) == ("", f"{file}+0x1")
    assert symbols(8, MAPPED + 1) == ("", f"{tmp_path}/gone+0x1")
