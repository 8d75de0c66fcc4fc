import pytest

from ktrace.cli.config import Config, Setting
from ktrace.cli.global_options import GlobalOptions, colour_from, split
from ktrace.cli.main import main
from ktrace.errors import UsageError
from ktrace.output.terminal import colour


@pytest.mark.parametrize(
    ("argv", "options", "rest"),
    [
        ([], GlobalOptions(), []),
        (["-q", "trace", "-q"], GlobalOptions(words=("-q",)), ["trace", "-q"]),
        (["--color=never", "--quiet", "list"], GlobalOptions("never", words=("--quiet",)), ["list"]),
        (["-v", "-q", "-vv", "list"], GlobalOptions(words=("-v", "-q", "-vv")), ["list"]),
        (["--color", "always", "list", "--color"], GlobalOptions("always"), ["list", "--color"]),
        (["--no-pager", "list", "--no-pager"], GlobalOptions(pager=False), ["list", "--no-pager"]),
        (["--colour", "auto", "-h"], GlobalOptions("auto"), ["-h"]),
    ],
)
def test_options_before_the_command(argv, options, rest):
    assert split(argv) == (options, rest)


@pytest.mark.parametrize("argv", [["--color"], ["--color", "red", "list"], ["--color=", "list"]])
def test_wrong_values(argv):
    with pytest.raises(UsageError, match="not a time to colour"):
        split(argv)


def test_the_command_line_wins():
    config = Config({("", "color"): Setting("", "color", "always", "FILE")})
    assert colour_from(GlobalOptions(), config) == "always"
    assert colour_from(GlobalOptions("never"), config) == "never"
    assert colour_from(GlobalOptions(), Config()) == "auto"
    with pytest.raises(UsageError, match="FILE: color: '3' is not"):
        colour_from(GlobalOptions(), Config({("", "color"): Setting("", "color", 3, "FILE")}))


def test_quiet_goes_to_commands_that_have_it(capsys):
    assert main(["-q", "--color", "never", "version"]) == 0
    assert colour._choice.when == "never"
    assert main(["version"]) == 0 and colour._choice.when == "auto"
    assert main(["-q", "parse", "/dev/null"]) == 0
    assert main(["-q"]) == 2 and capsys.readouterr().err.endswith("of CMD.\n")
