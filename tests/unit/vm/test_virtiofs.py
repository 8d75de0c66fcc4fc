from ktrace.vm import virtiofs
from ktrace.vm.programs import Programs

C = Programs("q", "b", "/usr/lib/qemu/virtiofsd", "-o source=PATH  shared directory tree")
RUST = Programs("q", "b", "/usr/libexec/virtiofsd", "--shared-dir <SHARED_DIR>\n --readonly")
OLD_RUST = Programs("q", "b", "/usr/libexec/virtiofsd", "--shared-dir <SHARED_DIR>")


def test_the_c_program():
    assert virtiofs.argv(C, "/", 7, read_only=True) == [
        "/usr/lib/qemu/virtiofsd",
        "--fd=7",
        "-o",
        "source=/,cache=always,sandbox=chroot,log_level=err",
    ]


def test_a_comma_does_not_begin_another_option():
    options = virtiofs.argv(C, "/a,b\\c", 7, read_only=False)[-1]
    assert options.startswith("source=/a\\,b\\\\c,cache=auto,")


def test_the_rust_program():
    words = virtiofs.argv(RUST, "/a,b", 7, read_only=False)
    assert words[:3] == ["/usr/libexec/virtiofsd", "--fd=7", "--shared-dir=/a,b"]
    assert "--cache=auto" in words
    assert "--readonly" not in words


def test_read_only_where_the_server_can():
    assert "--readonly" in virtiofs.argv(RUST, "/", 7, read_only=True)
    assert "--readonly" not in virtiofs.argv(OLD_RUST, "/", 7, read_only=True)
