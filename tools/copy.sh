#!/bin/bash
# Copy this checkout into an existing folder: with what is not committed, without what git ignores.
set -euo pipefail
unset CDPATH
target=$(realpath "${1:?the folder to copy to}")
cd "$(dirname "$0")/.."

# What was deleted but is not committed is listed, too.
git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
    tar --create --null --no-recursion --files-from=- |
    tar --extract --no-same-owner --directory="$target"
