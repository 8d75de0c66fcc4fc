#!/bin/sh
# Which programs wrote most? Record now, ask later.
#
#   sudo examples/12-record-and-ask.sh OUT.dat [SECONDS]
#
# The recording is a trace.dat. You can ask it on another machine, where ktrace need not be root, and trace-cmd and
# KernelShark read it, too. `ktrace sql` needs Polars: pip install 'ktrace[bulk]'.
set -eu
out=${1:?usage: 12-record-and-ask.sh OUT.dat [SECONDS]}
ktrace record -q -o "$out" vfs_write count -d "${2:-10}"
exec ktrace sql "$out" 'select comm, count(*) as writes, sum("count") as bytes from vfs_write group by comm order by bytes desc limit 10'
