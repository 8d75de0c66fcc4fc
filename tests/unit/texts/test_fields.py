"""Fields of static events, read back from their text."""

import random

import pytest

from ktrace.model.batch import Chunk
from ktrace.model.column import Strings
from ktrace.model.format import parse_format
from ktrace.texts.events import _TEMPLATES, templates
from ktrace.texts.fields import Fields
from tests.unit.output.batches import batch

FORMAT = """name: odd
ID: 7
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:__data_loc char[] name;	offset:8;	size:4;	signed:0;
	field:u64 size;	offset:16;	size:8;	signed:0;
	field:int kind;	offset:24;	size:4;	signed:1;
	field:unsigned long where;	offset:32;	size:8;	signed:0;

print fmt: "%s has %llu kind=%s at %lx (%d)", __get_str(name), REC->size, \
__print_symbolic(REC->kind, { 1, "ONE" }, { 2, "TWO" }), REC->where, REC->size / 2
"""


@pytest.mark.parametrize("event", _TEMPLATES)
def test_every_template_reads_what_it_writes(event):
    """A text with values in the fields' places gives these values back."""
    for template in templates(event):
        text, want = "", {}
        for number, part in enumerate(template._parts):
            text += part.literal
            if part.name is None:
                continue
            value = {"d": number, "x": 0xF0 + number, "w": f"w{number}", "s": f"t {number}"}[part.kind]
            text += f"{value:x}" if part.kind == "x" else str(value)
            if part.name:
                want[part.name] = value
        assert values(template, text) == want
        assert values(template, text + " and more") != want
        assert values(template, "?" + text) != want


def values(template, text):
    """The fields of a text; None if it has another form."""
    (found,) = template.read([text])
    return found and {name: column.tolist()[0] for name, column in template.columns([found]).items()}


@pytest.mark.parametrize("event", _TEMPLATES)
def test_the_first_ends_are_those_that_a_search_finds_first(event):
    """Texts of a template's own pieces, in any number and order, are read the same way with and without."""
    rng = random.Random(event)
    for template in templates(event):
        pieces = [part.literal for part in template._parts] + ["a", "1", " ", "0x1f", "-2", "\n"]
        for _ in range(400):
            shuffled = "".join(rng.choices(pieces, k=4))
            text = "".join(
                part.literal + (rng.choice(["7", "7", "x y", shuffled]) if part.name is not None else "")
                for part in template._parts
            )
            assert template.read([text]) == [template._search(text)]


@pytest.mark.parametrize(
    ("event", "text", "fields"),
    [
        ("sched_switch", "swapper/1:0 [120] R ==> kworker/1:0:28 [120]",
         {"prev_comm": "swapper/1", "prev_pid": 0, "prev_prio": 120, "prev_state": "R",
          "next_comm": "kworker/1:0", "next_pid": 28, "next_prio": 120}),
        ("sched_waking", "comm=a pid=1 pid=28 prio=120 target_cpu=001",
         {"comm": "a pid=1", "pid": 28, "prio": 120, "target_cpu": 1}),
        ("function", "vfs_read <-- ksys_read", {"ip": "vfs_read", "parent_ip": "ksys_read"}),
        ("function", "f [ext4](a=1) <-g [jbd2]", {"ip": "f [ext4]", "parent_ip": "g [jbd2]", "args": "a=1"}),
        ("sys_enter_openat", "sys_openat(int dfd: ffffff9c, const char * filename: 10)",
         {"dfd": 0xFFFFFF9C, "filename": 16}),
        ("sys_enter_access", 'sys_access(filename: 0x55d0 "/etc, x", mode: 4)',
         {"filename": '0x55d0 "/etc, x"', "mode": 4}),
        ("sys_exit_read", "sys_read -> 0xfffffffffffffff5", {"ret": -11}),
        ("sys_enter", "NR 257 (ffffff9c, 7f00, 0)", {"id": 257, "args": "ffffff9c, 7f00, 0"}),
        ("softirq_entry", "what is this", None),
        ("unknown", "a=1", None),
    ],
)  # fmt: skip
def test_texts(event, text, fields):
    assert read(Fields(), event, text) == fields


def read(fields, event, text):
    """The fields of one text; None if its form is not known."""
    (found,) = fields(Chunk((batch(event, kind="text", body=Strings.of([text])),))).batches
    if found.kind == "text":
        return None
    assert found.body.tolist() == [text]
    return {name: column.tolist()[0] for name, column in found.columns.items()}


def test_texts_of_several_forms_stay_with_their_records():
    texts = ["vec=1 [action=A]", "?", "vec=3", "vec=1 [action=A]", "vec=4", "vec=5 [action=B]"]
    made = batch("softirq_entry", seq=range(6), kind="text", body=Strings.of(texts))
    found = {}
    for part in Fields()(Chunk((made,))).batches:
        columns = [column.tolist() for name, column in part.columns.items() if name != "body"]
        rows = list(zip(*columns, strict=True)) or [()] * len(part)
        found |= dict(zip(part.seq.tolist(), rows, strict=True))
        if part.body is not None:
            assert part.body.tolist() == [texts[seq] for seq in part.seq.tolist()]
    assert found == {0: (1, "A"), 1: (), 2: (3,), 3: (1, "A"), 4: (4,), 5: (5, "B")}


def test_fields_by_the_print_fmt_of_a_format():
    by_format = Fields([parse_format(FORMAT, "mine")])
    assert read(by_format, "odd", "a has 1 has 18446744073709551615 kind=TWO at ffff (3)") == {
        "name": "a has 1", "size": 2**64 - 1, "kind": 2, "where": 0xFFFF
    }  # fmt: skip
    assert read(by_format, "odd", "a has 5 kind=7 at 0 (2)") == {
        "name": "a",
        "size": 5,
        "kind": "7",
        "where": 0,
    }
    assert read(by_format, "odd", "a has x kind=7 at 0 (2)") is None


def test_a_text_with_many_ends_is_read_in_time():
    """Each end of a field of text is tried once, not once for each end of the field before it."""
    many = " prev_pid=" * 3000 + " ==> next_comm=" * 3000
    assert read(Fields(), "sched_switch", "prev_comm=" + many) is None
    whole = (
        "prev_comm=" + many + " prev_pid=1 prev_prio=2 prev_state=R ==> next_comm=x next_pid=3 next_prio=4"
    )
    assert (read(Fields(), "sched_switch", whole) or {})["next_pid"] == 3


def test_the_latency_that_trace_cmd_adds_to_a_switch():
    text = "a:1 [120] S ==> b c:2 [98] Latency: 12.345 usecs"
    found = Fields()(Chunk((batch("sched_switch", kind="text", body=Strings.of([text])),))).batches[0]
    assert found.columns["next_prio"].tolist() == [98]
    assert found.columns["latency"].tolist() == ["12.345 usecs"]
