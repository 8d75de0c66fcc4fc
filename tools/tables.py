"""Write the tables of `model.fetch_types` and `model.features` into the pages and the help that show them.

    .venv/bin/python tools/tables.py

Unit tests fail where they are out of date.
"""

import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ktrace.model import features, fetch_types  # noqa: E402 -- after the path that finds ktrace in this tree

TABLES = (
    ("docs/commands/add.md", "| type | bytes | reads | since |", fetch_types.table),
    ("docs/commands/doctor.md", "| feature | gives | shown by | since |", features.table),
)
_HELP_WIDTH = 78


def with_table(page: str, header: str, rows: list[tuple[str, ...]]) -> str:
    """Return the page with these rows in the table that has this header."""
    before, _, after = page.partition(header + "\n")
    lines = after.splitlines(keepends=True)
    end = next((n for n, line in enumerate(lines) if not line.startswith("|")), len(lines))
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return before + header + "\n" + lines[0] + table + "".join(lines[end:])


def with_types(source: str) -> str:
    """Return the source of `ktrace add` with every type in its help."""
    text = textwrap.fill(
        fetch_types.summary() + "  b4@2/32 (bits)  u32[4] (array)",
        _HELP_WIDTH,
        initial_indent="    Types:        ",
        subsequent_indent=" " * 18,
        break_long_words=False,
    )
    return re.sub(r"    Types: (?:.|\n)*?u32\[4\] \(array\)", lambda _: text, source)


def main() -> None:
    """Write all of them."""
    for name, header, rows in TABLES:
        page = ROOT / name
        page.write_text(with_table(page.read_text(), header, rows()))
    command = ROOT / "ktrace/cli/commands/add.py"
    command.write_text(with_types(command.read_text()))


if __name__ == "__main__":
    main()
