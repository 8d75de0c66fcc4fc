"""`perf trace`, as perf 6.1 prints it."""

import pytest

from tests.unit.texts.reading import rows

ENTER, EXIT = "sys_enter_openat", "sys_exit_openat"


@pytest.mark.parametrize(
    ("line", "want"),
    [
        (b'  1255.802 (13.773 ms): cat/333 openat(dfd: CWD, filename: "/etc/a, b", flags: RDONLY|EXCL) = 3',
         [("cat", 333, ENTER, 1255802000,
           {"dfd": -100, "filename": "/etc/a, b", "flags": "RDONLY|EXCL"}),
          ("cat", 333, EXIT, 1269575000, {"ret": 3})]),
        (b"     0.000 ( 0.041 ms): my prog/1 openat(dfd: 3</dev/null>, n: -1, p: 0x7ff) = -1 ENOENT (No)",
         [("my prog", 1, ENTER, 0, {"dfd": 3, "n": -1, "p": 0x7FF}),
          ("my prog", 1, EXIT, 41000, {"ret": -2})]),
        (b"     1.229 ( 0.029 ms): 362 openat()                = 0x5635d3f7c000",
         [("", 362, ENTER, 1229000, {}), ("", 362, EXIT, 1258000, {"ret": 0x5635D3F7C000})]),
        (b"     1.229 ( 0.029 ms): openat(fd: 1)               = 0",
         [("", -1, ENTER, 1229000, {"fd": 1}), ("", -1, EXIT, 1258000, {"ret": 0})]),
        (b"     0.490 (         ): :347/347 openat(dfd: 3) ...", [(":347", 347, ENTER, 490000, {"dfd": 3})]),
        (b"         ? (         ): sh/337  ... [continued]: openat())       = 0",
         [("sh", 337, EXIT, 0, {"ret": 0})]),
        (b"     9.000 ( 1.000 ms): sh/337  ... [continued]: openat())       = 7",
         [("sh", 337, EXIT, 10000000, {"ret": 7})]),
        (b'    15.916 sh/357 sched:sched_switch(prev_comm: "sh", prev_pid: 357 (sh), prev_prio: 120)',
         [("sh", 357, "sched_switch", 15916000, {"prev_comm": "sh", "prev_pid": 357, "prev_prio": 120})]),
        (b"     0.434 ( 0.000 ms): sh/368 minfault [f+0x40] => /lib/ld.so@0x1ab70 (d.)",
         [("sh", 368, "minfault", 434000, {"body": "[f+0x40] => /lib/ld.so@0x1ab70 (d.)"})]),
    ],
)  # fmt: skip
def test_lines(line, want):
    found, reader = rows(line + b"\n")
    assert [(r["comm"], r["pid"], r["event"], r["ts"], r["fields"]) for r in found] == want
    assert reader.unparsed == 0


def test_stacks_belong_to_the_call_before():
    call = b"     0.000 (11.990 ms): sh/373 openat(dfd: CWD) = 3\n"
    frames = b" " * 39 + b"open64 (/usr/lib/ld.so)\n" + b" " * 39 + b"_start (inlined)\n"
    found, reader = rows((call + frames) * 2)
    assert [row["stack"] for row in found if "stack" in row] == [("open64", "_start")] * 2
    assert (reader.events, reader.unparsed) == (4, 0)


def test_summaries_are_delivered_as_they_are():
    call = b"     0.000 (11.990 ms): sh/373 openat(dfd: CWD) = 3\n"
    summary = b" Summary of events:\n\n sh (342), 158 events, 24.6%\n   openat  2  0  103.160\n"
    found, reader = rows(call + summary)
    assert [row["unparsed"] for row in found if "unparsed" in row] == [x for x in summary.splitlines() if x]
    assert reader.unparsed == 3


@pytest.mark.parametrize("end", [b" ", b"                     = ?", b""])
def test_calls_that_do_not_return(end):
    found, reader = rows(b"     0.080 (         ): cat/1234 exit_group(error_code: 1)" + end + b"\n")
    assert [(row["event"], row["fields"]) for row in found] == [("sys_enter_exit_group", {"error_code": 1})]
    assert reader.unparsed == 0


def test_lost_events_are_counted():
    found, reader = rows(
        b"     0.080 ( 0.1 ms): a/1 brk() = 0\nLOST 12 events!\n     0.090 (         ): a/1 brk() ...\n"
    )
    assert ({"lost": 12, "cpu": None} in found, reader.lost) == (True, 12)


def test_a_probe_has_its_arguments():
    found, _ = rows(b"     1.000 (         ): a/1 probe:foo:(ffffffff8123) a=1\n")
    assert (found[0]["event"], found[0]["kind"], found[0]["fields"]) == ("foo", "entry", {"a": 1})


def test_errors_that_have_no_name():
    found, _ = rows(b"     0.030 ( 0.005 ms): a/1 read(fd: 3) = -1 (unknown) (Unknown error 512)\n")
    assert found[1]["fields"] == {"ret": -512}


def test_without_a_task():
    found, reader = rows(b"     1.000 ( 0.001 ms): close(fd: 3)  = 0\n")
    assert {row["pid"] for row in found} == {-1}
    assert "no record has a pid, which is -1" in reader.notes
    _, reader = rows(b"     1.000 ( 0.001 ms): sh/7 close(fd: 3)  = 0\n")
    assert not any("pid" in note for note in reader.notes)
