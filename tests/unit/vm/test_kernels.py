import os
import struct
from pathlib import Path

import pytest

from ktrace.errors import Unavailable, UsageError
from ktrace.host.local import LocalHost
from ktrace.vm import kernels


def bzimage(version: str) -> bytes:
    """A setup header whose pointer leads to the version's text."""
    data = bytearray(0x400)
    data[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", data, 0x20E, 0x400 - 0x200)
    return bytes(data) + f"{version} (builder@host) #1 SMP".encode() + b"\0rest"


@pytest.fixture
def places(tmp_path):
    found = kernels.Places(LocalHost(), tmp_path / "boot", tmp_path / "cache", (tmp_path / "modules",))
    for path in (found.boot, found.cache, *found.modules):
        path.mkdir()
    return found


def add_boot(places, version, age_s=0):
    image = places.boot / f"vmlinuz-{version}"
    image.write_bytes(bzimage(version))
    os.utime(image, (1e9 - age_s, 1e9 - age_s))
    return image


def add_modules(folder: Path):
    folder.mkdir(parents=True)
    (folder / "modules.builtin").touch()
    return folder


def add_cached(places, version, age_s=0):
    folder = places.cache / version
    add_modules(folder / "lib" / "modules" / version)
    (folder / "vmlinuz").write_bytes(bzimage(version))
    os.utime(folder, (1e9 - age_s, 1e9 - age_s))
    return folder


def no_download(series, cache):
    raise AssertionError(f"{series.name} was downloaded")


def test_version_of_an_image(tmp_path):
    (tmp_path / "bzImage").write_bytes(bzimage("6.1.0-42-amd64"))
    assert kernels.image_version(LocalHost(), tmp_path / "bzImage") == "6.1.0-42-amd64"


def test_a_file_that_is_no_kernel(tmp_path):
    (tmp_path / "x").write_bytes(b"\x7fELF" + bytes(2000))
    with pytest.raises(UsageError, match="not a Linux kernel"):
        kernels.image_version(LocalHost(), tmp_path / "x")


def test_a_file_that_is_not_there(tmp_path, places):
    with pytest.raises(UsageError, match="No such file"):
        kernels.find(str(tmp_path / "none"), places, no_download)


@pytest.mark.parametrize("layout", ["lib/modules/V", "../lib/modules/V", "../usr/lib/modules/V", "modules/V"])
def test_modules_beside_an_image(tmp_path, places, layout):
    boot = tmp_path / "unpacked" / "boot"
    boot.mkdir(parents=True)
    (boot / "vmlinuz").write_bytes(bzimage("V"))
    modules = add_modules(boot / layout)
    found = kernels.find(str(boot / "vmlinuz"), places, no_download)
    assert found.modules is not None
    assert found.modules.resolve() == modules.resolve()


def test_an_image_among_its_modules(tmp_path, places):
    folder = add_modules(tmp_path / "lib" / "modules" / "V")
    (folder / "vmlinuz").write_bytes(bzimage("V"))
    assert kernels.find(str(folder / "vmlinuz"), places, no_download).modules == folder


def test_modules_of_this_machine_and_none(tmp_path, places):
    image = tmp_path / "bzImage"
    image.write_bytes(bzimage("V"))
    assert kernels.find(str(image), places, no_download).modules is None
    folder = add_modules(places.modules[0] / "V")
    assert kernels.find(str(image), places, no_download).modules == folder


def test_a_series_is_not_a_prefix_of_digits(places):
    add_boot(places, "6.12.5-amd64")
    image = add_boot(places, "6.1.0-42-amd64")
    assert kernels.find("6.1", places, no_download).image == image


def test_a_whole_version(places):
    add_boot(places, "6.1.0-42-amd64")
    older = add_boot(places, "6.1.0-41-amd64", age_s=100)
    assert kernels.find("6.1.0-41-amd64", places, no_download).image == older


def test_the_newest_file_of_a_series(places):
    add_boot(places, "6.1.0-9-amd64", age_s=100)
    newest = add_boot(places, "6.1.0-10-amd64")
    assert kernels.find("6.1", places, no_download).image == newest


def test_boot_comes_before_the_cache_and_the_cache_before_the_network(places):
    add_cached(places, "6.12.1-cloud", age_s=100)
    folder = add_cached(places, "6.12.2-cloud")
    found = kernels.find("6.12", places, no_download)
    assert (found.version, found.image) == ("6.12.2-cloud", folder / "vmlinuz")
    assert found.modules == folder / "lib" / "modules" / "6.12.2-cloud"
    image = add_boot(places, "6.12.0-amd64")
    assert kernels.find("6.12", places, no_download).image == image


def test_a_number_means_no_file_of_the_current_folder(tmp_path, places, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "6.12").write_bytes(bzimage("planted"))
    (tmp_path / "bzImage").write_bytes(bzimage("meant"))
    folder = add_cached(places, "6.12.2-cloud")
    assert kernels.find("6.12", places, no_download).image == folder / "vmlinuz"
    assert kernels.find("./6.12", places, no_download).version == "planted"
    assert kernels.find("bzImage", places, no_download).version == "meant"


def test_an_unfinished_download_is_not_a_kernel(places):
    (places.cache / ".download-6.12.").mkdir()
    with pytest.raises(AssertionError, match=r"6\.12 was downloaded"):
        kernels.find("6.12", places, no_download)


def test_a_download_is_used(places):
    found = kernels.find("6.12", places, lambda series, cache: add_cached(places, "6.12.7-cloud"))
    assert found.version == "6.12.7-cloud"


def test_an_unknown_name_lists_what_there_is(places):
    with pytest.raises(UsageError, match=r"no kernel 4\.4") as caught:
        kernels.find("4.4", places, no_download)
    assert "5.10, 6.1, 6.12, 7.3" in (caught.value.hint or "")


@pytest.mark.parametrize("what", ["", "6.12.9-cloud", "6.12.9-cloud/vmlinuz", "6.12.9-cloud/lib/modules"])
def test_a_cached_kernel_that_another_user_could_have_put_there(places, what):
    """Neither booted nor taken for what a download has just made."""
    add_cached(places, "6.12.9-cloud")
    path = places.cache / what
    if os.geteuid() == 0:
        os.chown(path, 1234, -1)
    else:
        path.chmod(path.stat().st_mode | 0o002)
    with pytest.raises(Unavailable, match="belongs to another user") as error:
        kernels.find("6.12", places, no_download)
    assert str(path) in error.value.message and "XDG_CACHE_HOME" in error.value.hint


def test_a_cache_of_another_users_is_not_filled(places, monkeypatch):
    monkeypatch.setattr(kernels.debian, "_check_tools", lambda: None)
    monkeypatch.setattr(kernels.debian, "_fetch", no_download)
    if os.geteuid() == 0:
        os.chown(places.cache, 1234, -1)
    else:
        places.cache.chmod(0o777)
    with pytest.raises(Unavailable, match="belongs to another user"):
        kernels.find("6.12", places)


def test_a_planted_lock_is_not_followed(places, monkeypatch):
    monkeypatch.setattr(kernels.debian, "_check_tools", lambda: None)
    (places.cache / ".lock").symlink_to(places.boot / "made")
    with pytest.raises(OSError, match="symbolic links"):
        kernels.find("6.12", places)
    assert not (places.boot / "made").exists()
