import pytest

from ktrace.host.folder import FolderHost
from ktrace.vm import accel


@pytest.fixture
def cpuinfo(tmp_path):
    def write(flags: str) -> FolderHost:
        path = tmp_path / "proc/cpuinfo"
        path.parent.mkdir()
        path.write_text(f"processor\t: 0\nvmx flags\t: x\nflags\t\t: {flags}\nbugs\t\t: svm\n")
        return FolderHost(tmp_path)

    return write


@pytest.fixture
def device(tmp_path):
    path = tmp_path / "kvm"
    path.touch()
    return path


@pytest.mark.parametrize("flag", ["vmx", "svm"])
def test_kvm_needs_a_flag_and_a_device(cpuinfo, device, flag):
    assert accel.detect(cpuinfo(f"fpu {flag} sse"), device).kvm


def test_a_device_without_a_flag_is_not_believed(cpuinfo, device):
    found = accel.detect(cpuinfo("fpu svm_lock vmx_other"), device)
    assert not found.kvm
    assert "vmx" in found.reason


def test_a_flag_without_a_device(cpuinfo, tmp_path):
    found = accel.detect(cpuinfo("vmx"), tmp_path / "none")
    assert not found.kvm
    assert "No such file" in found.reason


def test_no_cpuinfo(tmp_path, device):
    assert not accel.detect(FolderHost(tmp_path / "none"), device).kvm


def test_an_emulated_guest_may_take_longer():
    assert accel.Accel(False).boot_deadline_s > accel.Accel(True).boot_deadline_s
