import errno

from ktrace.host.folder import FolderHost
from ktrace.kernel.kernel import Kernel
from ktrace.model.features import Features
from ktrace.tracefs.files import Files


class Closed(FolderHost):
    """A machine whose tracing directory cannot be entered."""

    def stat(self, path):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    def read_bytes(self, path, limit=None):
        raise PermissionError(errno.EACCES, "Permission denied", path)


def test_a_directory_that_cannot_be_entered_shows_no_features(tmp_path):
    assert Kernel(Files(Closed(tmp_path), "/sys/kernel/tracing"), None).features == Features()
