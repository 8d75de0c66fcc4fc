"""The example in README, from `ktrace add do_fork` to events, as whole processes in a shell."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

KTRACE = f"{shlex.quote(sys.executable)} -m ktrace"


def shell(script: str) -> subprocess.CompletedProcess[str]:
    text = f'set -e\nktrace() {{ {KTRACE} "$@"; }}\n{script}'
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", text], capture_output=True, text=True, timeout=300, check=False
    )


def test_add_list_enable_trace_pipe_remove(forks: None, tracing: Path) -> None:
    done = shell(
        """
        ktrace add do_fork
        ktrace list
        ktrace enable do_fork
        ktrace trace do_fork --count 1 --json | python3 -c '
import json, sys
event = json.load(sys.stdin)
print("SAW", json.dumps(event))'
        ktrace remove do_fork
        """
    )
    assert done.returncode == 0, done
    assert "do_fork is kernel_clone in this kernel" in done.stderr
    assert "kernel_clone" in done.stdout and "[DISABLED]" in done.stdout
    event = json.loads(done.stdout.partition("SAW ")[2])
    assert event["type"] == "event" and event["event"] == "do_fork" and event["group"] == "kprobes"
    assert event["ip"].startswith("kernel_clone+") and event["ts"] > 0
    assert (tracing / "kprobe_events").read_text() == ""


def test_trace_in_a_pipeline_with_a_command() -> None:
    done = shell("ktrace trace --json do_fork -c 'sh -c \"/bin/true; /bin/true; exit 5\"' | wc -l")
    assert done.returncode == 5, done
    assert int(done.stdout) >= 1
