import pytest
import typer

from ktrace.cli.main import main
from ktrace.cli.run_options import check_seconds


@pytest.mark.parametrize("value", [None, 0.0, 0.5, 1e9])
def test_times_that_a_clock_can_wait_for(value):
    assert check_seconds(value) == value


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e10])
def test_others(value):
    with pytest.raises(typer.BadParameter, match="not a number of seconds up to 1e"):
        check_seconds(value)


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
    assert "is not a number of seconds" in capfd.readouterr().err
