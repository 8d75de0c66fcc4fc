"""For all tests."""

import signal

# nohup ignores SIGHUP, and a shell's `&` SIGINT; what is ignored stays ignored, and tests of signals
# would wait for ever.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
