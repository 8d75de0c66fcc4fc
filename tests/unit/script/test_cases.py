"""The cases of tests/scripts that need no kernel: `ktrace run` in this process."""

import sys
from pathlib import Path

import pytest

from ktrace.cli.main import main
from tests.scripts.case import HERE, Case, cases, read
from tests.scripts.check import check

ALONE = cases(kernel=False)


@pytest.mark.parametrize("case", ALONE, ids=[case.name for case in ALONE])
def test_case(
    case: Case, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    script = tmp_path / "t.stp"
    script.write_text(case.script, "utf-8")
    monkeypatch.chdir(tmp_path)
    # A script that forgets to end does not hold everything up.
    main(case.words(20))
    sys.stdout.flush()
    out, err = capfdbinary.readouterr()
    check(case, out.decode("latin-1"), err.decode("utf-8", "replace"))


def test_there_are_enough_and_each_is_read() -> None:
    paths = list(HERE.glob("*/*.case"))
    assert len(paths) >= 150
    for path in paths:
        case = read(path)
        assert case.expect is not None or case.pattern is not None or case.errors, path
