"""Ask the tracing directory which features of `model.features` this kernel has."""

from ktrace.model.features import Features
from ktrace.tracefs.files import Files


def read_features(files: Files) -> Features:
    """Return the features that the README and the files of a tracing directory show.

    Raises:
        OSError: README is there but cannot be read.
    """
    return Features.find(files.read("README") if files.exists("README") else "", files.exists)
