import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ktrace.errors import NotFound, UsageError
from ktrace.host.local import LocalHost
from ktrace.model.miss import Miss
from ktrace.symbols.dwarf import debuginfod, install
from ktrace.symbols.dwarf.find import DebugPaths, kernel_debug_info, module_debug_info
from tests.unit.symbols.dwarf.dwarf_writer import BUILD_ID, Dwarf

GOOD = Dwarf(5).elf().build()
OTHER = GOOD.replace(bytes.fromhex(BUILD_ID), bytes(20))
REPLIES = {"good": GOOD, "other": OTHER, "cut": GOOD, "noise": b"<html>"}


@pytest.fixture
def paths(tmp_path: Path) -> DebugPaths:
    notes = tmp_path / "notes"
    notes.write_bytes(struct.pack("<III4s", 4, 20, 3, b"GNU\0") + bytes.fromhex(BUILD_ID))
    (tmp_path / "os-release").write_text("ID=debian\n")
    folders = (tmp_path / "root", notes, tmp_path / "modules", tmp_path / "cache")
    return DebugPaths(LocalHost(), "6.12.0-test", *folders, os_release=tmp_path / "os-release")


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "place",
    [f"usr/lib/debug/.build-id/{BUILD_ID[:2]}/{BUILD_ID[2:]}.debug", "usr/lib/debug/boot/vmlinux-6.12.0-test",
     "usr/lib/debug/lib/modules/6.12.0-test/vmlinux", "lib/modules/6.12.0-test/build/vmlinux",
     "boot/vmlinux-6.12.0-test"],
)  # fmt: skip
def test_usual_places(paths: DebugPaths, place: str) -> None:
    put(paths.root / place, GOOD)
    assert kernel_debug_info(paths).source.endswith(place)


def test_another_build_is_passed_over_and_all_reasons_told(paths: DebugPaths) -> None:
    put(paths.root / "usr/lib/debug/boot/vmlinux-6.12.0-test", OTHER)
    put(paths.root / "boot/vmlinux-6.12.0-test", b"MZ" * 100)
    with pytest.raises(NotFound) as caught:
        kernel_debug_info(paths)
    assert "of another build (0000" in caught.value.message
    assert "not an ELF file" in caught.value.message
    assert "DEBUGINFOD_URLS is not set" in caught.value.message
    assert "linux-image-6.12.0-test-dbg" in (caught.value.hint or "")


def test_given_file(paths: DebugPaths, tmp_path: Path) -> None:
    assert kernel_debug_info(paths, put(tmp_path / "mine", GOOD)).machine == "x86_64"
    other = put(tmp_path / "other", OTHER)
    with pytest.raises(UsageError, match="another kernel"):
        kernel_debug_info(paths, other)
    assert kernel_debug_info(paths, other, force=True).source == str(other)
    with pytest.raises(NotFound):
        kernel_debug_info(paths, tmp_path / "missing")


def test_module(paths: DebugPaths) -> None:
    put(paths.modules / "my_fs/notes/.note.gnu.build-id", paths.notes.read_bytes())
    put(paths.root / "lib/modules/6.12.0-test/modules.dep", b"kernel/fs/my-fs.ko.xz: kernel/lib/crc.ko\n")
    place = put(paths.root / "usr/lib/debug/lib/modules/6.12.0-test/kernel/fs/my-fs.ko", GOOD)
    assert module_debug_info(paths, "my-fs").source == str(place)
    with pytest.raises(NotFound, match="module other"):
        module_debug_info(paths, "other")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ID=ubuntu\nID_LIKE=debian", "dbgsym"),
        ("ID=debian", "linux-image-1-dbg"),
        ("ID=fedora", "debuginfo-install"),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"', "kernel-1-debuginfo"),
        ("ID=arch", "debuginfod.archlinux.org"),
        ("ID=other", "--vmlinux"),
        ("ID=rocky\nID_LIKE='rhel centos fedora'", "dnf"),
    ],
)
def test_hint_is_of_the_distribution(tmp_path: Path, text: str, words: str) -> None:
    assert words in install.hint(LocalHost(), "1", put(tmp_path / "os-release", text.encode()))
    assert "--vmlinux" in install.hint(LocalHost(), "1", tmp_path / "missing")


class Server(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012 -- one server a test

    def do_GET(self) -> None:
        self.asked.append(self.path)
        _, kind, *rest = self.path.split("/")
        if rest != ["buildid", BUILD_ID, "debuginfo"] or kind not in REPLIES:
            self.send_error(404)
            return
        data = REPLIES[kind]
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:-100] if kind == "cut" else data)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    Server.asked.clear()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_debuginfod(url: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    urls = (f"{url}/none", f"{url}/good")
    found = debuginfod.fetch(BUILD_ID, urls, tmp_path / "cache", watch=lambda *done: seen.append(done))
    assert isinstance(found, Path)
    assert found.read_bytes() == GOOD
    assert seen and seen[-1][0] == len(GOOD) and seen[-1][1] in (0, len(GOOD))
    assert len(Server.asked) == 2
    assert debuginfod.fetch(BUILD_ID, (f"{url}/good",), tmp_path / "cache") == found
    assert len(Server.asked) == 2  # it was kept


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("none", "nothing for this build-id"), ("other", "another build-id"), ("cut", "broke off"),
     ("noise", "no usable file")],
)  # fmt: skip
def test_debuginfod_that_fails(url: str, tmp_path: Path, kind: str, reason: str) -> None:
    found = debuginfod.fetch(BUILD_ID, (f"{url}/{kind}",), tmp_path)
    assert isinstance(found, Miss)
    assert reason in found.reason
    assert list(tmp_path.iterdir()) == []


def test_debuginfod_that_does_not_answer(tmp_path: Path) -> None:
    found = debuginfod.fetch(BUILD_ID, ("http://127.0.0.1:1",), tmp_path, 0.5)
    assert isinstance(found, Miss)
    assert "no answer" in found.reason


def test_servers_come_from_the_environment() -> None:
    assert debuginfod.servers({"DEBUGINFOD_URLS": "https://a/ file:///etc http://b"}) == (
        "https://a",
        "http://b",
    )
    assert debuginfod.servers({}) == ()


def test_kernel_from_debuginfod(paths: DebugPaths, url: str) -> None:
    with_url = DebugPaths(
        paths.host, paths.release, paths.root, paths.notes, paths.modules, paths.cache, (f"{url}/good",)
    )
    assert kernel_debug_info(with_url).source.endswith(f"debuginfo-{BUILD_ID}")
