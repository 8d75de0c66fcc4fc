"""stap's command line, translated."""

import pytest

from ktrace.cli.stap_words import from_stap
from ktrace.errors import UsageError

MANY = "9223372036854775807"


def words(*given: str) -> list[str]:
    return from_stap(given, "6.12.9-amd64", "x86_64").words


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("script.stp", "5", "name"), ["script.stp", "5", "name"]),
        (("-v", "script.stp"), ["-v", "script.stp"]),
        (("-vvg", "script.stp"), ["-v", "-v", "script.stp"]),
        (("-e", "probe begin {}"), ["-e", "probe begin {}"]),
        (("-eprobe begin {}",), ["-e", "probe begin {}"]),
        (("-DMAXERRORS=1", "-G", "x=2", "a.stp"), ["-D", "MAXERRORS=1", "-G", "x=2", "a.stp"]),
        (("-c", "ls -l", "-x", "7", "-o", "out", "a.stp"), ["-c", "ls -l", "-x", "7", "-o", "out", "a.stp"]),
        (("-w", "-W", "-u", "a.stp"), ["-w", "-W", "--no-pushdown", "a.stp"]),
        (("-k", "-d", "ext4", "--ldd", "--all-modules", "a.stp"), ["a.stp"]),
        (("-dkernel", "-B", "CONFIG=1", "-m", "name", "-R", "dir", "a.stp"), ["a.stp"]),
        (("-s", "2", "a.stp"), ["--buffer-size", "2048", "a.stp"]),
        (("-I", "dir", "-p2", "a.stp"), ["-I", "dir", "-p", "2", "a.stp"]),
        (("-r", "6.12.9-amd64", "-a", "x86_64", "a.stp"), ["a.stp"]),
        (("-r/lib/modules/6.12.9-amd64/build", "a.stp"), ["a.stp"]),
        (("--suppress-handler-errors", "a.stp"), ["-D", f"MAXERRORS={MANY}", "a.stp"]),
        (("--vp", "00010", "--rlimit-cpu=5", "a.stp"), ["a.stp"]),
        (("--runtime=kernel", "a.stp"), ["a.stp"]),
        (("a.stp", "--", "-5", "-v"), ["a.stp", "--", "-5", "-v"]),
        (("-h",), ["--help"]),
        (("-", "-5"), ["-", "-5"]),
    ],
)
def test_words(given: tuple[str, ...], expected: list[str]) -> None:
    assert words(*given) == expected


@pytest.mark.parametrize("given", [("-V",), ("--version",), ("-vV",)])
def test_the_version(given: tuple[str, ...]) -> None:
    assert from_stap(given, "", "").version


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("-r", "5.10", "a.stp"), "on this kernel only: 6.12.9-amd64"),
        (("-a", "arm64", "a.stp"), "on this kernel only: x86_64"),
        (("--skip-badvars", "a.stp"), "would be 0 without a word"),
        (("-F", "a.stp"), "in the background"),
        (("--remote=host", "a.stp"), "run ktrace on that machine"),
        (("--runtime=dyninst", "a.stp"), "programs are not probed"),
        (("-Z", "a.stp"), "stap has no option -Z"),
        (("--nothing", "a.stp"), "stap has no option --nothing"),
        (("a.stp", "-D"), "-D needs a value"),
        (("-s", "0"), "MiB of buffer"),
    ],
)
def test_what_is_refused(given: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        words(*given)
    assert message in caught.value.message


def test_what_is_different_is_told() -> None:
    assert from_stap(("-t", "a.stp"), "", "").notes == ["-t: the time that probes take is not measured"]
