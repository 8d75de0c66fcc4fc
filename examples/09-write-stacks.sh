#!/bin/sh
# Which paths through the kernel lead to vfs_write? As a flame graph.
#
#   sudo examples/09-write-stacks.sh OUT.svg [SECONDS]
set -eu
out=${1:?usage: 09-write-stacks.sh OUT.svg [SECONDS]}
exec ktrace stack vfs_write --svg "$out" -d "${2:-10}"
