"""`ktrace stack`: what leads to a place, in every form."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

READS = "dd if=/dev/zero of=/dev/null bs=777 count=300 status=none"


def test_the_same_stacks_in_every_form(ktrace: Callable, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("fold", "svg", "speedscope")}
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    outcome = ktrace("stack", "vfs_read", *options, "--json", "--filter", 'comm == "dd"', "-c", READS)
    rows = {tuple(row["key"]["stack"]): row["count"] for row in outcome.records("row")}
    stack, count = max(rows.items(), key=lambda item: item[1])
    assert count >= 300 and stack[0] == "vfs_read" and "ksys_read" in stack and "+0x" not in "".join(stack)
    folded = dict(line.rsplit(" ", 1) for line in files["fold"].read_text().splitlines())
    assert {tuple(reversed(k.split(";"))): int(n) for k, n in folded.items()} == rows
    profile = json.loads(files["speedscope"].read_text())
    assert sum(profile["profiles"][0]["weights"]) == sum(rows.values())
    assert f">{sum(rows.values())} hits<" in files["svg"].read_text()
    ET.fromstring(files["svg"].read_text())


def test_the_programs_own_stack(ktrace: Callable) -> None:
    outcome = ktrace("stack", "vfs_read", "--user", "--json", "--filter", 'comm == "dd"', "-c", READS)
    rows = outcome.records("row")
    assert rows and not any("ksys_read" in frame for row in rows for frame in row["key"]["stack"])
    assert "streamed" in outcome.records("answer")[0]["method"]
