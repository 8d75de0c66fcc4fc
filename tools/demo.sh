#!/bin/bash
# Show the main job, from a probe to its events. Run it as root on a kernel with kprobes, or use `make demo`.
set -euo pipefail
unset CDPATH
cd "$(dirname "$0")/.."

export LC_ALL=C
# Not the program that pip made, because the path of a checkout may be too long for its first line.
ktrace() { .venv/bin/python -m ktrace "$@"; }

run() {
    printf '\n# %s\n' "$1"
    eval "$1"
}

echo "Linux $(uname -r)"
run 'ktrace add do_fork'
run 'ktrace list'
run "ktrace trace do_fork -c 'sh -c \"/bin/true; /bin/true\"'"
run "ktrace trace --json do_sys_openat2 'path=+u0(%si):ustring' -c 'cp /etc/hostname /dev/null' |
    jq -r '[.comm, .args.path] | @tsv'"
run 'ktrace remove do_fork'
run 'ktrace list'
printf '\nNothing is left in the kernel. More: ktrace --help\n'
