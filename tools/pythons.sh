#!/bin/bash
# Run the unit tests with several Pythons, and list at the end which ones ran.
#
#   tools/pythons.sh 3.12 3.14
#
# An installed Python is used in a copy of this checkout. Any other one comes from the Debian release that has it,
# in a minimal tree (tools/bare.sh). If there is none, it is skipped.
#
# Exit status: 1 when a test failed, 75 when nothing could be run.
set -euo pipefail
unset CDPATH
cd "$(dirname "$0")/.."

# 3.12 was not in any release, and is no longer in testing.
declare -A SUITES=([3.11]=bookworm [3.13]=trixie [3.14]=testing)
UNAVAILABLE=75
passed=() failed=() skipped=()

main() {
    for version; do
        echo "=== Python $version"
        status=0
        run "$version" || status=$?
        case $status in
            0) passed+=("$version") ;;
            "$UNAVAILABLE") skipped+=("$version ($reason)") ;;
            *) failed+=("$version") ;;
        esac
    done
    echo "=== unit tests"
    show passed "${passed[@]}"
    show failed "${failed[@]}"
    show skipped "${skipped[@]}"
    [ ${#failed[@]} = 0 ] || exit 1
    [ ${#passed[@]} != 0 ] || exit $UNAVAILABLE
}

run() {
    program=python$1
    if "$program" -c 'import ensurepip, venv' 2>/dev/null; then
        run_here
    elif [ -n "${SUITES[$1]:-}" ]; then
        suite=${SUITES[$1]}
        reason="$suite cannot be reached, or has no $program"
        install="apt-get -q -y --no-install-recommends install $program $program-venv"
        tools/setup.sh bare
        tools/bare.sh "$suite" "apt-cache show $program >/dev/null 2>&1 || exit $UNAVAILABLE" \
            "$install >/dev/null" "PYTHON=$program make test-unit"
    else
        reason="not installed here, and in no release of Debian"
        return $UNAVAILABLE
    fi
}

run_here() {
    copy=$(mktemp -d)
    tools/copy.sh "$copy"
    status=0
    PYTHON=$program make -C "$copy" test-unit || status=1
    rm -rf "$copy"
    return $status
}

show() {
    word=$1
    shift
    for one; do echo "$word: Python $one"; done
}

main "$@"
