"""The table that tools/syscalls.py makes from the formats of a kernel."""

from pathlib import Path

from tools.syscalls import lines, of_kernel

HEAD = "name: {name}\nID: 9\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
FIELD = "\tfield:{ctype} {name};\toffset:{at};\tsize:8;\tsigned:0;\n"


def write(folder: Path, call: str, *params: tuple[str, str]) -> None:
    fields = "".join(
        FIELD.format(ctype=ctype, name=name, at=8 + 8 * n)
        for n, (ctype, name) in enumerate((("int", "__syscall_nr"), *params))
    )
    file = folder / f"sys_enter_{call}" / "format"
    file.parent.mkdir()
    file.write_text(HEAD.format(name=call) + fields + '\nprint fmt: ""\n')


def test_calls_are_declarations(tmp_path: Path) -> None:
    write(tmp_path, "newstat", ("const char *", "filename"), ("struct stat *", "statbuf"))
    write(tmp_path, "futex_wake", ("void *", "uaddr"), ("int", "nr"))
    write(tmp_path, "getpid")
    write(tmp_path, "uretprobe")
    assert lines(of_kernel(tmp_path, "x86_64")) == [
        "futex_wake(void * uaddr, int nr)",
        "getpid()",
        "stat(const char * filename, struct stat * statbuf)",
    ]
