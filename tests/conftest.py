"""For all tests."""

import signal

# `nohup make test` ignores it, and what is ignored stays ignored: tests of it would wait for ever.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
