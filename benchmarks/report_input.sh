#!/bin/bash
# A recording to measure with: run in the guest by benchmarks/report.py.
#
#   report_input.sh FILE SECONDS
#
# Two kprobes (numbers; a string), their returns, system calls, the scheduler: all CPUs busy.
set -eu
out=$1 seconds=$2
cd /sys/kernel/tracing
echo 'p:bench/read vfs_read file=%di:x64 count=%dx:u64' >>kprobe_events
echo 'r:bench/read_ret vfs_read ret=$retval:s64' >>kprobe_events
echo 'p:bench/open do_sys_openat2 dfd=%di:s32 name=+0(%si):ustring' >>kprobe_events
load() {
    end=$((SECONDS + seconds))
    while [ $SECONDS -lt $end ]; do
        dd if=/dev/zero of=/dev/zero bs=1 count=20000 2>/dev/zero
        ls /usr/lib/python3 /etc /usr/bin >/dev/zero
        cat /etc/passwd | wc -c >/dev/zero
    done
}
export -f load
export seconds
trace-cmd record -q -o "$out" -b 30000 -e bench -e sched:sched_switch -e sched:sched_wakeup \
    --compression none -e syscalls:sys_enter_read -e syscalls:sys_exit_read -e syscalls:sys_enter_write -e raw_syscalls:sys_exit \
    bash -c 'load & load & wait' 2>&1 | tail -n 40
