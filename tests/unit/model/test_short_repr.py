import re
from dataclasses import replace

import numpy as np

from ktrace.model.column import Strings
from tests.unit.model.test_batch import batch

HOSTILE = "<b onload=x>\x1b[31m\n\u202e\udcff&"


def hostile():
    one = batch(0, 1)
    texts = Strings.of([HOSTILE, "long" * 1000])
    return replace(one, event=HOSTILE, comm=texts, place=texts, columns={HOSTILE: texts, "n": np.arange(2)})


def test_a_batch_in_a_line():
    one = replace(batch(0, 1, 2), ts=np.array([14_066_338_000, 15_000_000_000, 16_107_766_000]))
    assert repr(one) == "<Batch kp: 3 records, 14.066338 to 16.107766 s; columns n, s>"
    assert repr(replace(one, ticks=True)).startswith(
        "<Batch kp: 3 records, 14066338000 to 16107766000 ticks;"
    )
    assert repr(batch(1)).startswith("<Batch kp: 1 record, ")


def test_a_batch_without_records_or_columns():
    assert repr(replace(batch(), columns={})) == "<Batch kp: 0 records>"
    assert "<td>" not in batch()._repr_html_()


def test_a_line_stays_one_however_many_columns_there_are():
    many = replace(batch(0), columns={f"c{n}": np.zeros(1, np.int64) for n in range(300)})
    assert repr(many).endswith("c4, c5 and 294 more>") and len(repr(many)) < 120
    html = many._repr_html_()
    assert html.count("<th>") == html.count("<td>") == 12 and "293 more columns" in html


def test_a_table_has_the_first_records():
    large = batch(0).take(np.zeros(1000, np.int64))
    html = large._repr_html_()
    assert html.count("<tr>") == 6 and "995 more rows" in html and len(html) < 2000
    assert re.findall(r"<th>(.*?)</th>", html) == ["ts", "cpu", "pid", "comm", "ip", "n", "s"]
    assert "more" not in large.take(slice(5))._repr_html_()


def test_a_field_named_as_a_column_of_its_own():
    assert "<th>arg_comm</th>" in replace(batch(0), columns={"comm": Strings.of(["x"])})._repr_html_()


def test_every_form_of_column_is_shown():
    columns = {
        "wide": np.array([[1, 2]], np.uint64),
        "big": np.array([1 << 70], object),
        "texts": np.array([["a", None], 0], object)[:1],
        "none": Strings.of([None]),
    }
    html = replace(batch(0), columns=columns)._repr_html_()
    assert "<td>[1, 2]</td><td>1180591620717411303424</td>" in html
    assert "<td>[&#x27;a&#x27;, None]</td><td></td>" in html


def test_texts_of_strangers_are_escaped_and_cut():
    one = hostile()
    for text in (repr(one), one._repr_html_(), repr(one.comm)):
        assert text.isprintable() and len(text) < 1000
        text.encode()
    html = one._repr_html_()
    assert set(re.findall(r"<(\w+)", html)) == {"table", "caption", "tr", "th", "td"}
    assert "&lt;b onload=x&gt;\\x1b[31m" in html


def test_strings_in_a_line():
    assert repr(Strings.of(["sh", None, "sh"])) == "<Strings: 3 rows, 2 values: 'sh', None>"
    assert repr(Strings.of([])) == "<Strings: 0 rows, 0 values>"
    assert repr(Strings.of(map(str, range(2000)))).endswith("'4', '5' and 1,994 more>")
