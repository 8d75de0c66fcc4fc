"""For all tests."""

import os
import signal

# nohup ignores SIGHUP, and a shell's `&` SIGINT; what is ignored stays ignored, and tests of signals
# would wait for ever.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

# What programs print must not depend on who runs the tests. A locale that is not installed makes bash
# and perl complain on standard error; these variables change the width, colour and place of output.
for _name in [name for name in os.environ if name == "LANG" or name.startswith("LC_")]:
    del os.environ[_name]
os.environ["LC_ALL"] = "C.UTF-8"
for _name in (
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "TZ",
    "CDPATH",
    "BASH_ENV",
    "ENV",
):
    os.environ.pop(_name, None)
