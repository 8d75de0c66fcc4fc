#!/bin/bash
# The main job, from a probe to its events, as root on a kernel with kprobes. `make demo` runs it.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PWD/.venv/bin:$PATH

run() {
    echo
    echo "# $1"
    eval "$1"
}

echo "Linux $(uname -r)"
run 'ktrace add do_fork'
run 'ktrace list'
run 'ktrace trace do_fork -c "sh -c /bin/true\;/bin/true"'
run 'ktrace trace --json do_sys_openat2 "path=+u0(%si):ustring" -c "cat /etc/hostname" | jq -c "[.comm, .args.path]"'
run 'ktrace remove do_fork'
run 'ktrace list'
echo
echo "Nothing is left behind. \`ktrace --help\` says more."
