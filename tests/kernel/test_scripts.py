"""Scripts on a running kernel: the cases of tests/scripts that need one."""

from pathlib import Path

import pytest

from tests.scripts.case import Case, cases
from tests.scripts.check import check

NEEDING = cases(kernel=True)


def lacks(case: Case, tracing: Path) -> str | None:
    """What of that which a case needs this kernel has not."""
    files = {
        "kernel": "kprobe_events",
        "raw_syscalls": "events/raw_syscalls/sys_enter",
        "syscalls": "kprobe_events",
    }
    for need in case.needs:
        if need == "btf":
            if not Path("/sys/kernel/btf/vmlinux").exists():
                return "types"
        elif not (tracing / files.get(need, need)).exists():
            return need
    return None


@pytest.mark.parametrize("case", NEEDING, ids=[case.name for case in NEEDING])
def test_script(case: Case, ktrace, tracing, tmp_path, monkeypatch) -> None:
    missing = lacks(case, tracing)
    if missing:
        pytest.skip(f"this kernel has no {missing}")
    (tmp_path / "t.stp").write_text(case.script)
    monkeypatch.chdir(tmp_path)
    words = ["-c", case.trigger] if case.trigger else []
    done = ktrace("run", "-T", "60", *case.options, *words, "t.stp", *case.args, status=None)
    check(case, done.out, done.err)
