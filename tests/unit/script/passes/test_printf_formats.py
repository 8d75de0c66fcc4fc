import pytest

from ktrace.cli.main import main


@pytest.mark.parametrize("width", ["8193", "." + "9" * 5000, "9" * 5000])
def test_a_width_that_no_message_has(width, capfd):
    assert main(["run", "-e", f'probe begin {{ printf("%{width}d", 1) exit() }}']) == 2
    assert "is more than 8192" in capfd.readouterr().err
