#!/bin/sh
# What do the registers and the stack hold when do_fork is entered?
#
#   sudo examples/02-dump-registers.sh [SECONDS]
#
# Print a line with every register and the kernel's stack for each hit. End after five hits. The sample module
# for kprobes in the kernel's tree does this with printk.
exec ktrace trace do_fork --regs --stack -n 5 -d "${1:-10}"
