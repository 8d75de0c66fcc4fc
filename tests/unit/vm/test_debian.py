import multiprocessing
import shutil

import pytest

from ktrace.errors import Unavailable, VmError
from ktrace.vm import apt_sources, debian

# Stand-ins for Debian's tools. $FAKE is a folder: what is in it decides how they behave, and
# they note there how they were called.
APT_GET = """#!/bin/sh
echo "$@" >>"$FAKE/calls"
[ -e "$FAKE/slow" ] && sleep 0.3
case " $* " in
*" update "*) [ -e "$FAKE/offline" ] && echo "W: Failed to fetch http://m/ no route" >&2; exit 0 ;;
esac
for last; do :; done
echo x >"$last.deb"
"""
APT_CACHE = """#!/bin/sh
for last; do :; done
cat "$FAKE/$last" 2>/dev/null || { echo "E: No packages found" >&2; exit 100; }
"""
DPKG_DEB = """#!/bin/sh
name=$(basename "$2" .deb)
mkdir -p "$3"
[ -d "$FAKE/$name.tree" ] && cp -a "$FAKE/$name.tree/." "$3"
exit 0
"""
SERIES = debian.Series("9.9", "somesuite", "linux-image-cloud-amd64")
VERSION = "9.9.1+deb-cloud-amd64"


@pytest.fixture
def fake(tmp_path, monkeypatch):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (("apt-get", APT_GET), ("apt-cache", APT_CACHE), ("dpkg-deb", DPKG_DEB)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    folder = tmp_path / "fake"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE", str(folder))
    monkeypatch.setattr(debian, "KEYRING", tools / "apt-get")
    monkeypatch.setattr(
        debian, "mirrors", lambda: apt_sources.Mirrors("http://main.invalid/d", "http://sec.invalid/s")
    )
    return folder


@pytest.fixture
def one_package(fake):
    (fake / SERIES.package).write_text(f"Package: x\nDepends: linux-image-{VERSION} (= 9.9-1), libc6\n")
    (fake / f"linux-image-{VERSION}").write_text("Depends: kmod, linux-base (>= 4.3~), initramfs-tools\n")
    tree = fake / f"linux-image-{VERSION}.tree"
    modules = tree / "lib" / "modules" / VERSION
    modules.mkdir(parents=True)
    (modules / "modules.builtin").touch()
    (tree / "boot").mkdir()
    for name in ("vmlinuz", "System.map", "config"):
        (tree / "boot" / f"{name}-{VERSION}").write_text(name)
    return fake


def test_one_package(one_package, tmp_path):
    folder = debian.download(SERIES, tmp_path / "cache")
    assert folder == tmp_path / "cache" / VERSION
    assert (folder / "vmlinuz").read_text() == "vmlinuz"
    assert (folder / "System.map").read_text() == "System.map"
    assert (folder / "config").read_text() == "config"
    assert (folder / "lib" / "modules" / VERSION / "modules.builtin").exists()


def test_only_the_kernel_stays(one_package, tmp_path):
    debian.download(SERIES, tmp_path / "cache")
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {VERSION, ".lock"}


def test_split_packages(fake, tmp_path):
    (fake / SERIES.package).write_text(f"Depends: linux-image-{VERSION}\n")
    (fake / f"linux-image-{VERSION}").write_text(
        f"Depends: linux-binary-{VERSION}, linux-modules-{VERSION} (= 1)\n"
    )
    (fake / f"linux-binary-{VERSION}").write_text("Section: kernel\n")
    (fake / f"linux-modules-{VERSION}").write_text("Section: kernel\n")
    binary = fake / f"linux-binary-{VERSION}.tree" / "usr" / "lib" / "modules" / VERSION
    binary.mkdir(parents=True)
    (binary / "vmlinuz").write_text("binary")
    modules = fake / f"linux-modules-{VERSION}.tree" / "usr" / "lib" / "modules" / VERSION
    modules.mkdir(parents=True)
    (modules / "modules.builtin").touch()
    folder = debian.download(SERIES, tmp_path / "cache")
    assert (folder / "vmlinuz").read_text() == "binary"
    assert (folder / "lib" / "modules" / VERSION / "modules.builtin").exists()


def test_how_much_has_come_is_told(one_package, tmp_path):
    record = one_package / f"linux-image-{VERSION}"
    record.write_text(record.read_text() + "Size: 2\nInstalled-Size: 99\n")
    (one_package / "slow").touch()
    told = []
    debian.download(SERIES, tmp_path / "cache", lambda done, total: told.append((done, total)))
    assert told[0] == (0, 0)  # as long as the suite's list is fetched
    assert (0, 2) in told


def test_a_tool_is_ended_with_ktrace(one_package, tmp_path):
    (one_package / "slow").touch()

    def interrupted(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        debian.download(SERIES, tmp_path / "cache", interrupted)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_apt_is_asked_with_files_of_its_own(one_package, tmp_path):
    debian.download(SERIES, tmp_path / "cache")
    for call in (one_package / "calls").read_text().splitlines():
        assert f"-oDir::Etc::sourcelist={tmp_path}" in call
        assert f"-oDir::State::lists={tmp_path}" in call
        assert "-oDir::Etc::sourceparts=/dev/null" in call


@pytest.mark.parametrize(
    ("suite", "uri"), [("trixie", "http://main.invalid/d"), ("trixie-security", "http://sec.invalid/s")]
)
def test_the_archive_of_a_suite(fake, tmp_path, suite, uri):
    debian._configure(debian.Series("1", suite, "p"), tmp_path, debian.mirrors())
    line = (tmp_path / "sources.list").read_text()
    assert line.endswith(f" {uri} {suite} main\n")
    assert f"signed-by={debian.KEYRING}" in line


def test_offline(one_package, tmp_path):
    (one_package / "offline").touch()
    with pytest.raises(VmError, match=r"the suite somesuite cannot be reached.*no route"):
        debian.download(SERIES, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_no_such_package(fake, tmp_path):
    with pytest.raises(VmError, match="No packages found"):
        debian.download(SERIES, tmp_path / "cache")


def test_packages_without_a_kernel(one_package, tmp_path):
    shutil.rmtree(one_package / f"linux-image-{VERSION}.tree" / "boot")
    with pytest.raises(VmError, match="hold no kernel"):
        debian.download(SERIES, tmp_path / "cache")


def test_what_a_killed_download_left_is_cleared(one_package, tmp_path):
    leftover = tmp_path / "cache" / ".download-old"
    leftover.mkdir(parents=True)
    debian.download(SERIES, tmp_path / "cache")
    assert not leftover.exists()


def test_two_at_once_download_once(one_package, tmp_path):
    (one_package / "slow").touch()
    fork = multiprocessing.get_context("fork")
    both = [fork.Process(target=debian.download, args=(SERIES, tmp_path / "cache")) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert (tmp_path / "cache" / VERSION / "vmlinuz").exists()
    updates = [line for line in (one_package / "calls").read_text().splitlines() if " update " in f" {line} "]
    assert len(updates) == 1


def test_no_apt(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="apt-get is not installed"):
        debian.download(SERIES, tmp_path / "cache")


@pytest.mark.parametrize(
    ("record", "parts"),
    [
        ("Depends: linux-image-6.1-x (= 1), linux-base (>= 4)\n", ["linux-image-6.1-x"]),
        ("Depends: a | b, linux-modules-7\nSuggests: linux-image-9\n", ["linux-modules-7"]),
        ("Package: x\n", []),
    ],
)
def test_dependencies(record, parts):
    assert debian.dependencies(record) == parts
