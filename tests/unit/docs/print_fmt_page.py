"""The tables of docs/print-fmt.md and of pages like it."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs/print-fmt.md"


def names(section: str, table: int = 0, page: Path = PAGE) -> set[str]:
    """The names in the first column of a section's table."""
    text = page.read_text().partition(f"## {section}\n")[2].partition("\n## ")[0]
    tables = [part for part in text.strip().split("\n\n") if part.startswith("|")]
    rows = tables[table].splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}
