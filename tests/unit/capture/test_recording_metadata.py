from pathlib import Path

from ktrace.capture.recording_metadata import Names, page_size
from ktrace.host.local import LocalHost
from ktrace.tracefs.files import Files
from tests.unit.tracedat.build import HEADER_PAGE


def test_names_are_gathered_and_the_last_one_counts() -> None:
    names = Names()
    assert names.add(b"1 init\n7 my prog\n9 <...>\n")
    assert not names.add(b"7 my prog\n")
    assert names.add(b"7 other\n8 new\nline\n")
    assert names.text() == b"1 init\n7 other\n8 new\nline\n"


def test_a_name_that_looks_like_the_one_before() -> None:
    names = Names()
    names.add(b"1 \n2 a b  c\n")
    assert names.text() == b"1 \n2 a b  c\n"


def test_those_that_live_fill_in(tmp_path: Path) -> None:
    for pid, comm in (("7", "seven\n"), ("8", "eight\n"), ("self", "no\n")):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "comm").write_text(comm)
    names = Names()
    names.add(b"7 saved\n")
    names.add_living(Files(LocalHost(), str(tmp_path)))
    assert sorted(names.text().splitlines()) == [b"7 saved", b"8 eight"]


def test_page_sizes() -> None:
    assert page_size(LocalHost(), HEADER_PAGE) == 4096
    assert page_size(LocalHost(), HEADER_PAGE.replace("4080", "16368")) == 16384
