#!/bin/sh
# How long does each disk take for a request?
#
#   sudo examples/07-slow-disk.sh [SECONDS]
#
# Print a distribution for each device, of the time from the issue of a request to its completion. dev is the
# device number: major * 1048576 + minor.
exec ktrace latency block:block_rq_issue block:block_rq_complete --on dev,sector --by dev -d "${1:-10}"
