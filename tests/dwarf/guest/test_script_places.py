"""Scripts at places in the source of the distribution's own kernel: statements, functions of files, inlines.

Lines are those of Linux 6.12, counted from a function's declaration in fs/read_write.c.
"""

import json
from collections.abc import Callable

import pytest

WORK = "dd if=/dev/zero of=/dev/null bs=777 count=3 status=none"


@pytest.fixture
def run(ktrace: Callable, vmlinux: str) -> Callable[..., str]:
    def begin(script: str, *words: str) -> str:
        return ktrace("run", "--vmlinux", vmlinux, *words, "-c", WORK, "-e", script).out

    return begin


@pytest.fixture
def line(ktrace: Callable, vmlinux: str) -> str:
    """Return a line of vfs_read after the checks at its beginning, as `FILE:LINE`."""
    record = json.loads(ktrace("lines", "vfs_read", "--vmlinux", vmlinux, "--json").out)
    assert 12 in [one["n"] for one in record["lines"]]
    return f"{record['file']}:{record['declared'] + 12}"


@pytest.mark.parametrize("name", ["vfs_read", "*", "vfs_*"])
def test_a_statement_with_arguments_and_locals(run: Callable[..., str], line: str, name: str) -> None:
    script = f'global n probe kernel.statement("{name}@{line}") {{ if ($count == 777) n[$count, $ret]++ }}'
    assert (
        run(script + ' probe end { foreach ([c, r] in n) printf("%d %d %d\\n", c, r, n[c, r]) }')
        == "777 0 3\n"
    )


def test_a_statement_by_the_line_of_its_function(run: Callable[..., str]) -> None:
    script = 'global n probe kernel.statement("vfs_read@fs/read_write.c:+12") { if ($count == 777) n++ }'
    assert run(script + " probe end { println(n) }") == "3\n"


def test_the_function_that_holds_a_line_is_probed_where_it_begins(run: Callable[..., str], line: str) -> None:
    for name in ("vfs_read", "vfs_*"):
        script = (
            f'global n probe kernel.function("{name}@{line}") {{ if ($count == 777) n[probefunc()]++ }} '
            'probe end { foreach (f in n) printf("%s %d\\n", f, n[f]) }'
        )
        assert run(script) == "vfs_read 3\n"
    assert "vfs_read+" not in run(script, "--plan").partition("# Here")[0]


def test_functions_of_a_file(run: Callable[..., str]) -> None:
    script = (
        'global n probe kernel.function("*@drivers/char/mem.c") { if (execname() == "dd") n[probefunc()]++ } '
        'probe end { println(n["write_null"]) }'
    )
    assert run(script) == "3\n"


def test_inlined_code_alone(run: Callable[..., str]) -> None:
    """file_ppos is inlined into the functions called by the system calls that read and write."""
    script = (
        'global n probe kernel.function("file_ppos").inline { if (execname() == "dd") n[probefunc()]++ } '
        'probe end { println(n["ksys_write"]) }'
    )
    assert run(script) == "3\n"
    places = [row for row in run(script, "--plan").splitlines() if row.startswith("echo 'p:")]
    assert len(places) >= 4 and all("+" in row for row in places)
