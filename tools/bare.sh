#!/bin/bash
# Run commands on this checkout in a tree of another Debian release, in which only debootstrap's minimal
# packages and make are installed. As root or with sudo.
#
#   tools/bare.sh trixie 'make demo' 'make test'
#
# The tree is created in the directory TREES (/var/tmp), and removed at the end unless KEEP=1. With MOUNTS=proc
# it has neither /dev/pts nor /sys, as in a plain chroot. It uses this machine's access to the network: its
# mirror of Debian, settings of apt, PIP_ variables and pip.conf.
#
# Exit status: that of the first command that failed; 75 if the mirror has no such release.
set -euo pipefail
unset CDPATH
cd "$(dirname "$0")/.."

UNAVAILABLE=75

# Everything is mounted in a namespace that goes away with this script, however it ends.
if [ "${1:-}" != --in-namespace ]; then
    [ $# -ge 2 ] || { sed -n 's/^# \{0,1\}//; 2,5p' "$0" >&2; exit 2; }
    root=$([ "$(id -u)" = 0 ] || echo sudo --preserve-env)
    exec $root unshare --mount --propagation private bash "$PWD/tools/bare.sh" --in-namespace "$@"
fi
suite=$2
shift 2

main() {
    tree=$(mktemp -d "${TREES:-/var/tmp}/ktrace-$suite.XXXXXX")
    chmod 755 "$tree"
    trap leave EXIT
    make_tree
    copy_settings
    copy_checkout
    mount_all
    in_tree 'apt-get -q update >/dev/null && apt-get -q -y --no-install-recommends install make >/dev/null'
    for command; do
        echo "=== $suite: $command"
        in_tree "cd /root/ktrace && $command"
    done
}

make_tree() {
    echo "=== $suite: a bare tree in $tree"
    mirror=$(python3 -c 'from ktrace.vm.apt_sources import mirrors; print(mirrors().main)')
    if ! wget -q --spider "$mirror/dists/$suite/InRelease"; then
        echo "$suite cannot be reached, or is not a release of Debian" >&2
        exit $UNAVAILABLE
    fi
    if ! debootstrap --variant=minbase "$suite" "$tree" "$mirror" >"$tree.log" 2>&1; then
        tail -n 5 "$tree.log" >&2
        echo "debootstrap failed" >&2
        exit 1
    fi
}

# Use this machine's access to the network.
copy_settings() {
    for file in /etc/resolv.conf /etc/hosts /etc/pip.conf; do
        [ ! -e "$file" ] || cp --dereference "$file" "$tree$file"
    done
    # Proxies, and whether an outdated mirror is accepted.
    { apt-config dump 2>/dev/null || true; } | grep -E '^Acquire::(Check-|https?::|Retries)' \
        >"$tree/etc/apt/apt.conf.d/99machine" || true
    certificates=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}
    if [ -e "$certificates" ]; then
        install -D -m 644 "$certificates" "$tree/etc/ssl/machine.crt"
        settings+=(PIP_CERT=/etc/ssl/machine.crt)
    fi
}

copy_checkout() {
    mkdir "$tree/root/ktrace"
    tools/copy.sh "$tree/root/ktrace"
}

mount_all() {
    mount -t proc proc "$tree/proc"
    [ "${MOUNTS:-all}" = all ] || return 0
    mount --rbind /dev "$tree/dev"
    mount --rbind /sys "$tree/sys"
}

in_tree() {
    env --ignore-environment "${settings[@]}" PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
        ${CI:+CI="$CI"} chroot "$tree" /bin/bash -e -o pipefail -c "$1" </dev/null
}

leave() {
    status=$?
    umount --recursive --lazy "$tree/dev" "$tree/proc" "$tree/sys" 2>/dev/null || true
    # If something is still mounted there, its files would be removed, too.
    if [ -n "${KEEP:-}" ] || grep -q " $tree/" /proc/self/mounts; then
        echo "kept: $tree"
    else
        rm -rf --one-file-system "$tree" "$tree.log"
    fi
    exit $status
}

# Without those that name files on this machine.
mapfile -t settings < <(env | grep -E '^(PIP_[A-Z_]+|https?_proxy|no_proxy)=' | grep -vE '^[A-Z_]+=/' || true)
main "$@"
