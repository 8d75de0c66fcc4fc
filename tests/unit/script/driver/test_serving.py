"""Scripts that serve: over HTTP while they run, and with standard input."""

import json
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.unit.cli.full import begin, ended, interrupt

METRICS = """
global hits, names[10]
probe begin {
  names[1, "a\\"b\\n"] = 5
  json_set_prefix("p")
  json_add_numeric_metric("hits", "all of them", "count")
  json_add_string_metric("who", "")
  json_add_array("disks", "each disk")
  json_add_array_numeric_metric("disks", "reads", "", "")
}
probe prometheus { @prometheus_dump_array2(names, "hits", "number", "name") }
probe json_data {
  hits++
  @json_output_data_start
  @json_output_numeric_value("hits", hits)
  @json_output_string_value("who", "me")
  @json_output_array_numeric_value("disks", "sda", "reads", 7)
  @json_output_data_end
}
probe procfs("long").read.maxsize(4000) { for (i = 0; i < 700; i++) $value .= "12345" }
probe procfs("fails").read { for (i = 0; i < 700; i++) $value .= "12345" }
"""


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as response:
        body: bytes = response.read()
        return body


def test_metrics_over_http_and_an_error_in_a_handler():
    process = begin("run", "--listen", "0", "-e", METRICS)
    assert process.stderr is not None
    line = process.stderr.readline().decode()
    assert line.startswith("ktrace: serving http://127.0.0.1:"), line
    url = line.split()[-1]
    assert get(f"{url}metrics") == b'hits{number="1",name="a\\"b\\n"} 5\n'
    assert json.loads(get(f"{url}data.json")) == {
        "hits": 1,
        "who": "me",
        "disks": [{"__id": "sda", "reads": 7}],
    }
    assert json.loads(get(f"{url}data.json"))["hits"] == 2
    known = json.loads(get(f"{url}metadata.json"))
    assert known["prefix"] == "p"
    assert [(one["name"], one["type"]) for one in known["metrics"]] == [
        ("hits", "integer"),
        ("who", "string"),
        ("disks", "array"),
    ]
    assert get(f"{url}long") == b"12345" * 700
    with pytest.raises(urllib.error.HTTPError, match="503"):
        get(f"{url}fails")
    status, _, err = ended(process)
    assert status == 1 and "$value has more than 511 bytes: .maxsize(N) after .read allows N" in err


def test_a_signal_ends_a_run_that_serves():
    process = begin("run", "--listen", "0", "-e", 'probe procfs("x").read { } probe end { println(7) }')
    assert process.stderr is not None and process.stderr.readline()
    interrupt(process)
    assert ended(process)[:2] == (0, "7\n")


@pytest.mark.parametrize(
    ("options", "script", "message"),
    [
        ((), 'probe procfs("x").read { }', "'procfs(\"x\").read': where?"),
        (("--listen", "0"), 'probe procfs("x").write { }', "'procfs(\"x\").write': where?"),
        (("--listen", "0"), "probe begin { exit() }", "--listen: this script serves nothing"),
        (("--procfs", "d"), "probe begin { exit() }", "--procfs: this script serves nothing"),
        (("--listen", "0.0.0.0:1"), "probe prometheus { }", "is not on loopback"),
        (("--listen", "1", "--plan"), "probe prometheus { }", "--listen would do nothing"),
    ],
)
def test_what_cannot_be_served_is_refused(options, script, message):
    status, out, err = ended(begin("run", *options, "-e", script))
    assert status == 2 and out == "" and message in err, err


@pytest.mark.parametrize(
    ("script", "given", "expected"),
    [
        ('probe input.line { printf("<%s>", line) } ', b"a\nbc\nd", "<a\n><bc\n><d>"),
        ('probe input.char { printf("<%s>", char) } ', b"a\n", "<a><\n>"),
        ('probe input.line { if (line == "q\\n") exit() print(line) } ', b"a\nq\nb\n", "a\nq\n"),
    ],
)
@pytest.mark.parametrize("regular", [False, True])
def test_input(script, given, expected, regular, tmp_path):
    command = [sys.executable, "-m", "ktrace", "run", "-T", "1.5", "-e", script]
    (tmp_path / "in").write_bytes(given)
    with (tmp_path / "in").open("rb") as file:
        source = {"stdin": file} if regular else {"input": given}
        done = subprocess.run(command, capture_output=True, timeout=60, check=False, **source)
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, expected, b"")


def test_a_script_from_standard_input_cannot_read_it():
    command = [sys.executable, "-m", "ktrace", "run", "-"]
    done = subprocess.run(
        command, input=b"probe input.line { println(line) }", capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 2 and b"the script itself is read from standard input" in done.stderr
