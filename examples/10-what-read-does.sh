#!/bin/sh
# What does the kernel do in one read, and where does the time go?
#
#   sudo examples/10-what-read-does.sh [COMMAND]
#
# Print the tree of calls of the first read of COMMAND, three levels deep.
exec ktrace graph vfs_read --depth 3 -n 1 -c "${1:-cat /proc/uptime}"
