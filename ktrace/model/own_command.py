"""Name the command that runs ktrace, for advice that can be pasted."""

import sys
from pathlib import PurePath

_SUDO_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def as_root(words: str = "...") -> str:
    """Return `sudo ktrace WORDS`, with the path of ktrace where sudo would not find it.

    sudo looks for commands in its own `secure_path`, not in the user's PATH, so it does not find what is in a
    virtual environment.
    """
    started = PurePath(sys.argv[0] if sys.argv else "")
    if started.parts[-2:] == ("ktrace", "__main__.py"):
        return f"sudo {sys.executable} -m ktrace {words}"
    is_found = started.name != "ktrace" or not started.is_absolute() or str(started.parent) in _SUDO_PATH
    return f"sudo {'ktrace' if is_found else started} {words}"
