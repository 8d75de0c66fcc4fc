import pytest

from ktrace.cli.main import main


@pytest.mark.parametrize(
    "words",
    [
        ["count", "vfs_read", "-d", "inf"],
        ["trace", "vfs_read", "-d", "nan"],
        ["record", "vfs_read", "-d", "1e30"],
        ["run", "-T", "inf", "-e", "probe begin {}"],
        ["vm", "--timeout", "inf", "true"],
    ],
)
def test_each_command_refuses_them(words, capfd):
    assert main(words) == 2
    err = capfd.readouterr().err
    assert "is not a length of time: 10s, 500ms, 2m" in err or "is too long" in err
