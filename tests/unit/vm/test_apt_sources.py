import pytest

from ktrace.vm import apt_sources

DEB822 = """\
# a comment
Types: deb deb-src
# http://snapshot.invalid/archive/debian/
URIs: http://mirror.invalid/pub/debian
  http://second.invalid/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.invalid/debian-security/
Suites: bookworm-security
Components: main
"""


@pytest.fixture
def apt(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_deb822(apt):
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert apt_sources.mirrors(apt) == apt_sources.Mirrors(
        "http://mirror.invalid/pub/debian", "http://mirror.invalid/debian-security"
    )


def test_one_line_form_with_options(apt):
    (apt / "sources.list").write_text(
        "#deb http://no.invalid/debian bookworm main\n"
        "deb-src http://src.invalid/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] https://a.invalid/debian/ bookworm main contrib\n"
    )
    (apt / "sources.list.d" / "sec.list").write_text(
        "deb http://b.invalid/debian-security bookworm-security main\n"
    )
    assert apt_sources.mirrors(apt) == apt_sources.Mirrors(
        "https://a.invalid/debian", "http://b.invalid/debian-security"
    )


def test_ubuntu_has_no_mirror_of_debian(apt):
    (apt / "sources.list").write_text("deb http://archive.ubuntu.com/ubuntu noble main\n")
    assert apt_sources.mirrors(apt) == apt_sources.Mirrors(
        apt_sources.DEFAULT_MAIN, apt_sources.DEFAULT_SECURITY
    )


def test_no_files(tmp_path):
    assert apt_sources.mirrors(tmp_path / "none").main == apt_sources.DEFAULT_MAIN


@pytest.mark.parametrize(
    ("text", "uris"),
    [
        ("Types: deb-src\nURIs: http://a.invalid/debian\n", []),
        ("Types: deb\nEnabled: no\nURIs: http://a.invalid/debian\n", []),
        ("types: deb\nuris: http://a.invalid/debian\n", ["http://a.invalid/debian"]),
        ("Types: deb\n# x\n\nTypes: deb\nURIs: http://b.invalid/debian\n", ["http://b.invalid/debian"]),
    ],
)
def test_paragraphs(text, uris):
    assert apt_sources.deb822(text) == uris
