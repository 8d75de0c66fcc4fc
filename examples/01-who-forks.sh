#!/bin/sh
# Which programs start processes, and how many?
#
#   sudo examples/01-who-forks.sh [SECONDS]
#
# The kernel counts, so this costs next to nothing. Since Linux 5.10 do_fork is called kernel_clone; ktrace knows
# both names.
exec ktrace count do_fork --by comm -d "${1:-10}"
