import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ktrace.vm import children
from tests.unit.unable import unable


def test_output_and_descriptors_reach_the_child():
    read, write = os.pipe()
    child = children.spawn(
        [sys.executable, "-c", f"import os; [os.write(fd, b'%d' % fd) for fd in (1, 2, {write})]"],
        fds=[write],
        output=write,
    )
    child.wait()
    os.close(write)
    assert os.read(read, 100) == b"12%d" % write
    os.close(read)


def test_a_session_of_its_own():
    child = children.spawn(["sleep", "100"], fds=[], output=1)
    assert os.getsid(child.pid) == child.pid
    children.end(child)
    assert child.returncode == -signal.SIGKILL


@pytest.mark.skipif(os.geteuid() != 0, reason="mount namespaces are root's")
def test_a_read_only_child_writes_nowhere_and_others_still_do(tmp_path):
    write = f"echo x >{tmp_path}/file || exit 7"
    child = children.spawn(["sh", "-c", write], fds=[], output=2, read_only=True)
    if child.wait() != 7 and subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        unable("this process may not make a mount namespace, though it is root")
    assert child.returncode == 7
    assert children.spawn(["sh", "-c", write], fds=[], output=2).wait() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="chroot is for root alone")
def test_so_does_a_read_only_child_in_a_chroot(tmp_path):
    """There the root is not a mount's root. Only a static program starts in a folder with nothing else."""
    busybox = shutil.which("busybox")
    if busybox is None or b"/ld-linux" in Path(busybox).read_bytes():
        unable("no busybox that needs no libraries (apt install busybox-static)")
    shutil.copy(busybox, tmp_path / "busybox")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "null").touch()
    code = (
        "import os, sys; from ktrace.vm import children; os.chroot(sys.argv[1]); os.chdir('/');"
        "write = ['/busybox', 'sh', '-c', 'echo x >/file || exit 7'];"
        "spawn = lambda **how: children.spawn(write, fds=[], output=2, **how).wait();"
        "print(spawn(read_only=True), spawn())"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    if done.stdout == "0 0\n" and subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        unable("this process may not make a mount namespace, though it is root")
    assert done.stdout == "7 0\n", done.stderr


def test_it_dies_with_us():
    # The pipe is held by the grandchild alone: its end is that process's end.
    read, write = os.pipe()
    code = (
        "import os, signal; from ktrace.vm import children;"
        f"children.spawn(['sleep', '100'], fds=[{write}], output=2); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], pass_fds=[write], check=False)
    os.close(write)
    assert select.select([read], [], [], 10)[0]
    assert os.read(read, 1) == b""
    os.close(read)
