#!/bin/sh
# How many bytes do programs ask for when they read?
#
#   sudo examples/05-read-sizes.sh [SECONDS]
#
# Print a distribution for each program, by powers of two. The kernel counts.
exec ktrace hist vfs_read count --by comm -d "${1:-10}"
