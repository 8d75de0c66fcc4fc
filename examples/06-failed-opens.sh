#!/bin/sh
# Which programs fail to open files, and with which error?
#
#   sudo examples/06-failed-opens.sh [SECONDS]
#
# Errors are negative return values, which ktrace prints with their names: -2 ENOENT, -13 EACCES.
exec ktrace count -r do_sys_openat2 --by comm,'ret=$retval:s32' --filter 'ret < 0' -d "${1:-10}"
