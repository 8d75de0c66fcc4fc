#!/bin/sh
# How long do tasks wait for a processor after they are woken?
#
#   sudo examples/08-run-queue.sh [SECONDS]
exec ktrace latency sched:sched_waking sched:sched_switch --on pid=next_pid -d "${1:-10}"
