#!/bin/sh
# What does the kernel do in one read, and where does the time go?
#
#   sudo examples/10-what-read-does.sh
#   sudo examples/10-what-read-does.sh 'ls -l' [OPTION...]
#
# Print the tree of calls of the first read of a command, three levels deep. Older kernels, such as 6.1, need the
# option --top-buffer: there, only the buffer that all tracers share can do this.
command=${1:-cat /proc/uptime}
[ $# = 0 ] || shift
exec ktrace graph vfs_read --depth 3 -n 1 -c "$command" "$@"
