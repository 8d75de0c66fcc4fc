"""The counts that the kernel's tables add to variables."""

import pytest

from ktrace.model.tally import Row, Tally
from ktrace.script.language.faults import Fault
from ktrace.script.runtime.hist_variables import Tables
from tests.unit.script.passes.test_push_down_filters import Typed
from tests.unit.script.scripts import FakeKernel, Ran, start


def begun(text: str, kernel: FakeKernel | None = None) -> tuple[Ran, Tables]:
    ran = start(text, kernel or Typed(["f"]))
    return ran, Tables(ran.drive.program.names)


def take(ran: Ran, tables: Tables, *rows: tuple[tuple[int | str, ...], int, int], dropped: int = 0) -> None:
    """Give the one table these keys, hits and sums."""
    (table,) = ran.drive.compiled.counted.tables
    made = tuple(Row(key, hits, (total,) if table.hist.values else ()) for key, hits, total in rows)
    tables.take(table, Tally((), made, dropped=dropped))


def test_what_came_since_the_last_look_is_added_to_what_the_script_made_of_it() -> None:
    ran, tables = begun(
        'global n, s probe begin { n[7] = 100 } probe kernel.function("f") { n[$x] += 2; s[$x] <<< $x } '
        'probe end { foreach (k in n) printf("%d %d\\n", k, n[k]) println(@sum(s[3])) }'
    )
    take(ran, tables, ((7,), 2, 14), ((3,), 1, 3))
    take(ran, tables, ((7,), 2, 14), ((3,), 4, 12))
    assert ran.drive.program.names["g_s"][3].count == 4
    assert ran.drive.program.names["g_s"][3].total == 12
    ran.drive.end()
    assert ran.text == "3 8\n7 104\n12\n"


def test_numbers_are_of_64_bits_with_sign() -> None:
    ran, tables = begun('global n probe kernel.function("f") { n[$x] += $y } probe end { }')
    take(ran, tables, (((1 << 64) - 21,), 1, (1 << 64) - 1))
    assert dict(ran.drive.program.names["g_n"]) == {-21: -1}
    take(ran, tables, (((1 << 64) - 21,), 2, (1 << 63) - 1))
    assert dict(ran.drive.program.names["g_n"]) == {-21: (1 << 63) - 1}


def test_names_are_bytes() -> None:
    ran, tables = begun('global n probe kernel.function("f") { n[execname(), "x"]++ } probe end { }')
    take(ran, tables, (("\u00e9\udcff",), 1, 0))
    assert dict(ran.drive.program.names["g_n"]) == {("\xc3\xa9\xff", "x"): 1}


def test_a_full_array_is_an_error_whether_the_table_is_full_or_not() -> None:
    script = 'global n[2] probe kernel.function("f") { n[$x]++ } probe end { }'
    for rows, dropped in (((((1,), 1, 0)), ((2,), 1, 0), ((3,), 1, 0)), 0), ((((1,), 1, 0),), 7):
        ran, tables = begun(script)
        with pytest.raises(Fault, match=r"size limit \(2\)"):
            take(ran, tables, *rows, dropped=dropped)


def test_elements_are_in_the_order_of_keys_whoever_counted() -> None:
    from tests.unit.script.scripts import events, feed

    ran = start(
        'global n probe kernel.function("f") { n[$x]++ } probe end { foreach (k in n) println(k) }',
        Typed(["f"]),
    )
    feed(ran, events("f", {"f0": [5, 3, 4, 3]}))
    ran.drive.end()
    assert ran.text == "3\n4\n5\n"


def test_a_timer_that_saw_the_counts_and_ended_the_script_has_seen_the_last_of_them() -> None:
    ran = start(
        'global n probe kernel.function("f") { n++ } probe timer.s(1) { println(n) exit() } '
        "probe end { println(n) }",
        Typed(["f"]),
    )
    names = ran.drive.program.names
    looks: list[bool] = []

    def counts(last: bool) -> None:
        looks.append(last)
        names["g_n"] += 1

    ran.drive.counts = counts
    ran.drive.advance(2_500_000_000)
    ran.drive.end()
    assert ran.text == "1\n1\n"
    assert looks == [False]
