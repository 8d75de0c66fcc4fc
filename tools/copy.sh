#!/bin/bash
# Copy this checkout into an existing directory, including uncommitted files, without files that git ignores.
set -euo pipefail
unset CDPATH
target=$(realpath "${1:?the folder to copy to}")
cd "$(dirname "$0")/.."

# git also lists files that were deleted without a commit.
git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
    tar --create --null --no-recursion --files-from=- |
    tar --extract --no-same-owner --directory="$target"
