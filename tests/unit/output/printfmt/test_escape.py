import pytest

from ktrace.output.printfmt.escape import escaped

DATA = bytes.fromhex("1b62205c430722900d5d")


@pytest.mark.parametrize(
    ("flags", "want"),
    [
        ("", r'\eb \C\a"\220\r]'),
        ("hp", r'\x1bb \C\x07"\x90\x0d]'),
        ("c", '\\eb \\\\C\\a\\"\udc90\r]'),
        ("s", '\x1bb \\C\x07"\udc90\\r]'),
        ("op", r'\033b \C\007"\220\015]'),
    ],
)
def test_as_the_documentation_shows(flags: str, want: str) -> None:
    assert escaped(DATA, flags) == want


def test_each_kind() -> None:
    assert escaped(b"\0a\n\xa0", "n") == "\\0a\n\udca0"
    assert escaped(b"\0a\n\xa0", "a") == "\\0\\141\\n\\240"
    assert escaped(b"\0a\n\xa0", "") == "\\0a\\n\udca0"
    assert escaped(b"\t\v\f", "sh") == "\\t\\v\\f"
