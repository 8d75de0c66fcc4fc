"""Serve files below a folder: a FUSE file system that this process answers for.

The mount is attached to the folder itself, which was opened without following a link, so that nobody can
exchange it. When this process ends in any way, the kernel closes the connection, and whoever opens a file
gets an error at once. `clear` removes a mount that a killed run has left.
"""

import ctypes
import errno
import os
import selectors
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from functools import cache
from pathlib import Path

from ktrace.errors import KtraceError, NotFound, Unavailable, UsageError
from ktrace.host.host import Host
from ktrace.records import dataclass
from ktrace.script.serving.offer import Offer
from ktrace.script.serving.tree import REQUEST_MAX, Tree
from ktrace.tracefs.mount import MOUNTS, parse_mounts

_DEVICE = "/dev/fuse"
_SOURCE = "ktrace"
# The numbers of these system calls are the same on all architectures that ktrace knows.
_MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 429, 430, 431, 432
_SET_FLAG, _SET_STRING, _CREATE = 0, 1, 6
_CLOSE_ON_EXEC = 1  # FSOPEN_CLOEXEC and FSMOUNT_CLOEXEC
_NOSUID_NODEV_NOEXEC = 0xE  # MOUNT_ATTR_*
_EMPTY_PATHS = 0x44  # MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
_DETACH, _NO_FOLLOW = 2, 8  # MNT_DETACH, UMOUNT_NOFOLLOW
_ENDED = (errno.ENODEV, errno.ENOTCONN)


@dataclass(slots=True)
class Folder:
    """Serves files below a folder while the block runs. `ready` answers requests; it never waits.

    Args:
        name: the folder; it is made if it is missing, and must be empty.
        offers: what is served, by path.
        poller: gets the descriptor to wait for, with `ready` as its data.
        time_ns: the time of the files, in nanoseconds since 1970.
    """

    name: str
    offers: Mapping[str, Offer]
    poller: selectors.BaseSelector
    time_ns: int
    _device: int = -1
    _mount: int = -1
    _made: bool = False
    _tree: Tree = field(init=False)

    def __enter__(self) -> "Folder":
        """Mount the files.

        Raises:
            UsageError: the folder is another user's, a link, or not empty, or two files are in each other.
            Unavailable: the kernel has no FUSE, or this user may not mount.
        """
        self._tree = Tree((os.geteuid(), os.getegid()), self.time_ns)
        try:
            self._tree.add(self.offers)
        except ValueError as path:
            raise UsageError(f'procfs("{path}") is a file and a folder') from None
        folder = self._open_folder()
        try:
            self._attach(folder)
        except BaseException:
            self.__exit__()
            raise
        finally:
            os.close(folder)
        os.set_blocking(self._device, False)
        self.poller.register(self._device, selectors.EVENT_READ, self.ready)
        return self

    def __exit__(self, *_: object) -> None:
        if self._mount >= 0:
            with suppress(OSError):
                # The descriptor is the mount's root; the name may lead elsewhere by now.
                _call("umount2", f"/proc/self/fd/{self._mount}".encode(), _DETACH)
            os.close(self._mount)
        if self._device >= 0:
            with suppress(KeyError):
                self.poller.unregister(self._device)
            os.close(self._device)
        self._mount = self._device = -1
        if self._made:
            with suppress(OSError):
                Path(self.name).rmdir()

    def ready(self, _fd: int) -> None:
        """Answer the requests that have arrived."""
        while True:
            try:
                request = os.read(self._device, REQUEST_MAX)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):
                    continue  # the request was withdrawn
                if error.errno in _ENDED:
                    self.poller.unregister(self._device)  # somebody has unmounted it
                    return
                raise
            reply = self._tree.answer(request)
            if reply is not None:
                with suppress(FileNotFoundError):  # the caller was killed meanwhile
                    os.write(self._device, reply)

    def _open_folder(self) -> int:
        """Return a descriptor of the folder, which belongs to this user and is empty."""
        shown = f"--procfs {self.name}"
        clear(self.name)
        with suppress(FileExistsError):
            try:
                Path(self.name).mkdir(mode=0o755)
                self._made = True
            except FileExistsError:
                raise
            except OSError as error:
                raise NotFound(f"{shown} failed: {error.strerror}") from None
        try:
            fd = os.open(self.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            reason = (
                "it is a link or a file" if error.errno in (errno.ELOOP, errno.ENOTDIR) else error.strerror
            )
            raise UsageError(
                f"{shown} failed: {reason}", hint="--procfs DIR, a new or empty folder"
            ) from None
        status = os.fstat(fd)
        problem = None
        if status.st_uid != os.geteuid():
            problem = "it belongs to another user"
        elif stat.S_IMODE(status.st_mode) & 0o022:
            problem = "other users can write it"
        elif _has_files(fd):
            problem = "it is not empty"
        if problem:
            os.close(fd)
            raise UsageError(f"{shown} failed: {problem}", hint="--procfs DIR, a new or empty folder")
        return fd

    def _attach(self, folder: int) -> None:
        try:
            self._device = os.open(_DEVICE, os.O_RDWR | os.O_CLOEXEC)
            context = _call("syscall", _FSOPEN, b"fuse", _CLOSE_ON_EXEC)
        except OSError as error:
            raise Unavailable(
                f"--procfs {self.name} failed: this kernel has no FUSE here: {error.strerror}",
                hint="modprobe fuse; or --listen PORT, which serves the same over HTTP",
            ) from None
        try:
            settings = {
                "source": _SOURCE,
                "fd": str(self._device),
                "rootmode": f"{stat.S_IFDIR | 0o555:o}",
                "user_id": str(os.geteuid()),
                "group_id": str(os.getegid()),
            }
            for key, value in settings.items():
                _call("syscall", _FSCONFIG, context, _SET_STRING, key.encode(), value.encode(), 0)
            # The kernel checks the modes of files for every user.
            for flag in (b"default_permissions", b"allow_other"):
                _call("syscall", _FSCONFIG, context, _SET_FLAG, flag, None, 0)
            _call("syscall", _FSCONFIG, context, _CREATE, None, None, 0)
            self._mount = _call("syscall", _FSMOUNT, context, _CLOSE_ON_EXEC, _NOSUID_NODEV_NOEXEC)
            _call("syscall", _MOVE_MOUNT, self._mount, b"", folder, b"", _EMPTY_PATHS)
        except OSError as error:
            raise Unavailable(
                f"--procfs {self.name} failed: mounting it: {error.strerror}",
                hint="only root may mount; --listen PORT serves the same over HTTP",
            ) from None
        finally:
            os.close(context)


def _has_files(folder: int) -> bool:
    with os.scandir(folder) as found:
        return any(found)


def dead_mounts(host: Host) -> list[str]:
    """Return the folders with a mount that a killed run has left."""
    found = [
        one.path for one in parse_mounts(host.read(MOUNTS)) if one.device == _SOURCE and one.fstype == "fuse"
    ]
    return [path for path in found if _is_dead(path)]


def _is_dead(path: str) -> bool:
    """Return whether a folder is a FUSE mount without its process: no other mount is not connected."""
    try:
        Path(path).lstat()
    except OSError as error:
        return error.errno in (errno.ENOTCONN, errno.ECONNABORTED)
    return False


def clear(name: str) -> None:
    """Remove the mount that a killed run has left at a folder; leave everything else alone.

    Raises:
        KtraceError: the mount cannot be removed.
    """
    if not _is_dead(name):
        return
    try:
        _call("umount2", os.fsencode(name), _DETACH | _NO_FOLLOW)
    except OSError as refused:
        raise KtraceError(
            f"{name}: the mount of a killed script cannot be removed: {refused.strerror}",
            hint=f"umount {name}",
        ) from None


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *args: int | bytes | None) -> int:
    """Call a function of the C library. Raises OSError if it fails."""
    # Variadic: a number that is passed as an int would leave half a register undefined.
    passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in args]
    found = int(getattr(_library(), name)(*passed))
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return found
