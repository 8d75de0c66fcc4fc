#!/bin/sh
# Which files does a command open?
#
#   sudo examples/04-opened-files.sh 'ls -l'
#
# Print a line for each file: how often it was opened, and its name. The kernel reads the name from the program's
# memory when the call is entered. It cannot read a name that is not in memory yet; such a call is "(not readable)".
set -eu
command=${1:?usage: 04-opened-files.sh COMMAND}
events=$(mktemp)
trap 'rm -f "$events"' EXIT
ktrace trace --json -q -o "$events" openat filename:ustring -c "$command" >/dev/null
jq -r 'select(.type == "event") | .args.filename // "(not readable)"' "$events" | sort | uniq -c | sort -rn
