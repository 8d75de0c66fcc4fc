"""The tables that tools/tables.py writes."""

import importlib.util
from pathlib import Path

PATH = Path(__file__).resolve().parents[3] / "tools/tables.py"
SPEC = importlib.util.spec_from_file_location("tables", PATH)
assert SPEC is not None and SPEC.loader is not None
tables = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tables)


def test_the_rows_of_one_table_are_replaced() -> None:
    page = "a\n\n| x | y |\n|---|---|\n| old | 1 |\n| old | 2 |\n\n| z |\n|---|\n| kept |\n"
    assert tables.with_table(page, "| x | y |", [("new", "3")]) == (
        "a\n\n| x | y |\n|---|---|\n| new | 3 |\n\n| z |\n|---|\n| kept |\n"
    )


def test_a_table_that_ends_the_page() -> None:
    assert tables.with_table("| x |\n|---|\n| old |\n", "| x |", [("new",)]) == "| x |\n|---|\n| new |\n"


def test_what_is_written_is_up_to_date() -> None:
    for name, header, rows in tables.TABLES:
        page = (tables.ROOT / name).read_text()
        assert header in page
        assert tables.with_table(page, header, rows()) == page
    command = (tables.ROOT / "ktrace/cli/commands/add.py").read_text()
    assert tables.with_types(command) == command


def test_help_names_new_types() -> None:
    source = 'x\n    Types:        old\n                  b4@2/32 (bits)  u32[4] (array)\n\n    """'
    assert "u8..u64" in tables.with_types(source) and tables.with_types(source).endswith('(array)\n\n    """')
