#!/bin/sh
# Who sends which signal to whom?
#
#   sudo examples/11-who-signals.sh [SECONDS]
#
# Print a line for each signal: the sender, the signal's number, the receiver.
ktrace trace --json -q signal:signal_generate -d "${1:-10}" |
    jq -r --unbuffered 'select(.type == "event") | "\(.comm)-\(.pid) sent \(.args.sig) to \(.args.comm)-\(.args.pid)"'
