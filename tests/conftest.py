"""Fixtures for all tests."""

import os
import signal
import time

# nohup ignores SIGHUP, and a shell's `&` SIGINT; what is ignored stays ignored, and tests of signals
# would wait for ever.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

# What programs print must not depend on who runs the tests, and where. A locale that is not installed
# makes bash complain on standard error.
_OTHERS = ("LANG", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CDPATH", "BASH_ENV", "ENV")
for _name in [name for name in os.environ if name in _OTHERS or name.startswith("LC_")]:
    del os.environ[_name]
os.environ.update(LC_ALL="C.UTF-8", TZ="UTC")
time.tzset()
