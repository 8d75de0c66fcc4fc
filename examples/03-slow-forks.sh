#!/bin/sh
# How long does do_fork take, and which calls take longer than a millisecond?
#
#   sudo examples/03-slow-forks.sh [SECONDS]
#
# Print each slow call when it returns, with the kernel's stack, and at the end the distribution of all calls. The
# sample module for kretprobes in the kernel's tree prints one line a call.
exec ktrace latency do_fork --above 1ms -d "${1:-10}"
