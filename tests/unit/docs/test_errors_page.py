"""docs/errors.md against the exceptions, their module and the usage text."""

import re

from ktrace import errors
from ktrace.cli import main
from tests.unit.docs.blocks import ROOT

PAGE = (ROOT / "docs/errors.md").read_text()
ROWS = dict(re.findall(r"^\| (\S+) \| (.*?) \|", errors.__doc__ or "", re.MULTILINE))


def test_page_has_the_rows_of_the_module() -> None:
    rows = re.findall(r"^\| (\S+) \| (.*?) \|", PAGE, re.MULTILINE)
    assert [row for row in rows if row[0] != "status"] == [
        row for row in ROWS.items() if not row[0].startswith(("exit", "---"))
    ]


def test_every_exception_has_its_row() -> None:
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.KtraceError):
            assert re.search(rf"^\| {kind.exit_code} \| .*`{name}`.* \|$", PAGE, re.MULTILINE), name


def test_usage_names_every_status() -> None:
    text = main._USAGE.partition("Exit status:")[2]
    codes = {kind.exit_code for kind in (errors.KtraceError, *errors.KtraceError.__subclasses__())}
    assert all(re.search(rf"\b{code} \w", text) for code in codes)
