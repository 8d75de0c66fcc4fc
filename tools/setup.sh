#!/bin/bash
# Prepare this checkout: install missing Debian packages, and create a virtual environment in .venv.
#
#   tools/setup.sh run     for ktrace and its virtual machine
#   tools/setup.sh test    also for the tests
#   tools/setup.sh dwarf   also the tools that tests/dwarf compares with
#   tools/setup.sh bare    for tools/bare.sh, which makes trees of other releases
#
# Run it as root, or with sudo. It does nothing if everything is installed.
set -euo pipefail
unset CDPATH # with it, cd may go to another directory, and prints its name
cd "$(dirname "${BASH_SOURCE[0]}")/.."

purpose=${1:?run, test, dwarf or bare}
missing=()

main() {
    if [ ! -e /proc/self/status ]; then
        echo "/proc is not mounted: mount -t proc proc /proc" >&2
        exit 1
    fi
    if [ "$purpose" = bare ]; then
        has_program python3 || missing+=(python3)
        has_program debootstrap || missing+=(debootstrap)
        has_program wget || missing+=(wget)
        has_file /usr/share/keyrings/debian-archive-keyring.gpg || missing+=(debian-archive-keyring)
        install_packages "${missing[@]}"
        return
    fi
    if [ ! -w . ]; then
        echo "$PWD cannot be written to, as .venv and caches must be: use a copy of it" >&2
        exit 1
    fi
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
    # Part of QEMU's packages up to 7.2, and a separate package since.
    has_file /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd || install_packages virtiofsd
    make_environment
}

has_program() { command -v "$1" >/dev/null; }

has_file() {
    for file; do [ ! -e "$file" ] || return 0; done
    return 1
}

# Only busybox-static runs without libraries, which the guest's first file system does not have.
is_static_busybox() {
    has_program busybox && ! LC_ALL=C grep -q /ld-linux "$(command -v busybox)"
}

# Set `python` to a real interpreter of at least 3.11 that can make environments: not a shim, which
# would have to search for it at each start, and may not find it in the guest.
# If PYTHON is set, it is the only candidate.
find_python() {
    candidates=(python3 /usr/bin/python3 python3.{14,13,12,11})
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        python=$("$candidate" -c '
import ensurepip, os, sys, venv
sys.exit(1) if sys.version_info < (3, 11) else print(os.path.realpath(sys.executable))
' 2>/dev/null) && return
    done
    [ -z "${PYTHON:-}" ] || { echo "PYTHON=$PYTHON is not a Python of at least 3.11 with venv" >&2; exit 1; }
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
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has_program sudo; then
        sudo "$@"
    else
        echo "only root can do this, and there is no sudo: $*" >&2
        exit 1
    fi
}

make_environment() {
    stamp=.venv/.ktrace-$purpose
    sound=true
    environment_is_sound || sound=false
    if $sound && [ "$stamp" -nt pyproject.toml ]; then
        return
    fi
    find_python || { echo "no Python of at least 3.11 in this Debian release" >&2; exit 1; }
    if [ -L .venv ]; then
        echo "$PWD/.venv is a link to $(readlink -f .venv), which belongs to another checkout:" \
            "remove the link, and one is made here" >&2
        exit 1
    fi
    $sound || "$python" -m venv --clear .venv
    what=.[bulk]
    [ "$purpose" = run ] || what=.[dev]
    .venv/bin/python -m pip --disable-pip-version-check --quiet install --editable "$what"
    touch "$stamp"
}

# Return whether the environment's Python starts and is the one that the environment was made with, and whether
# the environment belongs to this checkout. That is not so after an upgrade of the distribution (packages are kept
# in a directory named after the Python), in a copy of a checkout, and if PYTHON names another Python.
environment_is_sound() {
    .venv/bin/python -I -c '
import os, sys
import ktrace
if os.path.realpath("ktrace") != os.path.dirname(os.path.realpath(ktrace.__file__)):
    sys.exit(1)
' 2>/dev/null || return
    [ -z "${PYTHON:-}" ] || [ "$(python_version .venv/bin/python)" = "$(python_version "$PYTHON")" ]
}

python_version() { "$1" -c 'import sys; print(sys.version_info[:2])' 2>/dev/null; }

[ "${BASH_SOURCE[0]}" != "$0" ] || main
