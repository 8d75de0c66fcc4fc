#!/bin/bash
# Make this checkout ready: Debian packages that are missing, and a virtual environment in .venv.
#
#   tools/setup.sh run     what ktrace and its virtual machine need
#   tools/setup.sh test    also what the tests need
#   tools/setup.sh dwarf   also the tools that tests/dwarf compares with
#
# As root, or with sudo. Does nothing where everything is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:?run, test or dwarf}
missing=()

main() {
    find_python || missing+=(python3 python3-venv)
    has_program qemu-system-x86_64 || missing+=(qemu-system-x86)
    is_static_busybox || missing+=(busybox-static)
    has_program jq || missing+=(jq)
    has_file /usr/share/keyrings/debian-archive-keyring.gpg || missing+=(debian-archive-keyring)
    if [ "$purpose" != run ]; then
        has_program zsh || missing+=(zsh)
        has_program fish || missing+=(fish)
        has_program trace-cmd || missing+=(trace-cmd)
    fi
    if [ "$purpose" = dwarf ]; then
        has_program addr2line || missing+=(binutils)
        has_program perf || missing+=(linux-perf)
    fi
    install_packages "${missing[@]}"
    # Part of QEMU's packages up to 7.2, a package of its own since.
    has_file /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd || install_packages virtiofsd
    make_environment
}

has_program() { command -v "$1" >/dev/null; }

has_file() {
    for file; do [ ! -e "$file" ] || return 0; done
    return 1
}

# Only busybox-static runs where there are no libraries: in the guest's first file system.
is_static_busybox() {
    has_program busybox && ! LC_ALL=C grep -q /ld-linux "$(command -v busybox)"
}

# Sets `python` to a real interpreter of at least 3.11 that can make environments: not a shim, which
# would have to look for it again at each start, and in the guest may not find it.
find_python() {
    for candidate in "${PYTHON:-python3}" /usr/bin/python3 python3.{14,13,12,11}; do
        python=$("$candidate" -c '
import ensurepip, os, sys, venv
sys.exit(1) if sys.version_info < (3, 11) else print(os.path.realpath(sys.executable))
' 2>/dev/null) && return
    done
    return 1
}

install_packages() {
    [ $# -gt 0 ] || return 0
    if ! has_program apt-get; then
        echo "missing, and no apt-get here to install it: $*" >&2
        exit 1
    fi
    echo "installing: $*"
    as_root apt-get -q update || echo "some package lists could not be fetched" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

make_environment() {
    stamp=.venv/.ktrace-$purpose
    if .venv/bin/python -c pass 2>/dev/null && [ "$stamp" -nt pyproject.toml ]; then
        return
    fi
    find_python || { echo "no Python of at least 3.11 in this Debian release" >&2; exit 1; }
    .venv/bin/python -c pass 2>/dev/null || "$python" -m venv --clear .venv
    what=.[bulk]
    [ "$purpose" = run ] || what=.[dev]
    .venv/bin/python -m pip --disable-pip-version-check --quiet install --editable "$what"
    touch "$stamp"
}

main
