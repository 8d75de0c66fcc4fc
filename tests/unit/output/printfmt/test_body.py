import io

import numpy as np
import pytest

from ktrace.model.batch import Chunk
from ktrace.model.column import Strings
from ktrace.model.lookups import Lookups
from ktrace.output.formats.text import Text
from ktrace.output.printfmt import MARKER, UNKNOWN, Body
from tests.unit.output.batches import batch
from tests.unit.output.printfmt.records import bodies, event

FLAGS = '__print_flags(REC->f, "|", { 1, "A" }, { 2, "B" }, { 6, "CB" })'


def test_flags():
    form = event(f'"%s", {FLAGS}', "unsigned long f 8 0")
    assert bodies(form, f=[0, 1, 3, 6, 7, 12, 1 << 63]) == [
        "", "A", "A|B", "B|0x4", "A|B|0x4", "0xc", "0x8000000000000000"]  # fmt: skip


def test_flags_of_an_int_are_widened_with_their_sign():
    form = event(f'"%s", {FLAGS}', "int f 4 1")
    assert bodies(form, f=[-1]) == ["A|B|0xfffffffffffffffc"]


def test_flags_in_a_choice():
    form = event(f'"%s%s", REC->f & 3 ? {FLAGS} : "R", REC->f & 0x100 ? "+" : ""', "long f 8 1")
    assert bodies(form, f=[0, 1, 0x102, 0x100]) == ["R", "A", "B|0x100+", "R+"]


def test_flags_and_names_are_as_wide_as_a_long():
    of_32_bits = Lookups(long=4)
    flags = event('"%s", __print_flags(REC->f, "|", { 1, "A" })', "int f 4 1")
    assert bodies(flags, of_32_bits, f=[-1]) == ["A|0xfffffffe"]
    names = event('"%s", __print_symbolic(REC->v, { -1, "all" }, { 1, "one" })', "s64 v 8 1")
    assert bodies(names, of_32_bits, v=[0xFFFFFFFF, -2, 1 << 32 | 1]) == ["all", "0xfffffffe", "one"]
    assert bodies(names, v=[0xFFFFFFFF, -1, 1 << 32 | 1]) == ["0xffffffff", "all", "0x100000001"]
    wide = event('"%s", __print_symbolic_u64(REC->v, { 0x100000001ULL, "big" })', "s64 v 8 1")
    assert bodies(wide, of_32_bits, v=[1 << 32 | 1, -1]) == ["big", "0xffffffffffffffff"]


def test_a_choice_of_two_arrays_keeps_all_bytes():
    form = event('"%pM", REC->c ? REC->a : REC->b', "int c 4 1", "u8 a[6] 6 0", "u8 b[6] 6 0")
    columns = {"a": [[1, 0, 0, 0, 0, 2]] * 2, "b": [[3, 0, 0, 0, 0, 4]] * 2}
    assert bodies(form, c=[0, 1], **columns) == ["03:00:00:00:00:04", "01:00:00:00:00:02"]
    mixed = event('"%*ph", 2, REC->c ? REC->a : REC->w', "int c 4 1", "u8 a[2] 2 0", "u16 w[1] 2 0")
    assert bodies(mixed, c=[0, 1], a=[[1, 2]] * 2, w=[[0x304]] * 2) == ["04 03", "01 02"]


def test_an_address_that_is_too_short_is_not_printed():
    assert bodies(event('"%pM", REC->a', "u8 a[4] 4 0"), a=[[1, 2, 3, 4]]) == [UNKNOWN]


def test_swapped_bytes_as_the_kernels_headers_spell_them():
    form = event(
        '"%d", (__builtin_constant_p((__u16)(REC->a)) ? ((__u16)((((__u16)(REC->a) & (__u16)0x00ffU) << 8) |'
        " (((__u16)(REC->a) & (__u16)0xff00U) >> 8))) : __fswab16(REC->a))", "__be16 a 2 0")  # fmt: skip
    assert bodies(form, a=[0x5000]) == ["80"]


def test_variables_that_are_pointers():
    form = event('"%s %s", ({ const char *x = REC->a[0] ? "yes" : "no"; x; }),'
                 " ({ u8 *p = REC->a; __print_hex(p, 2); })", "u8 a[2] 2 0")  # fmt: skip
    assert bodies(form, a=[[1, 2], [0, 255]]) == ["yes 01 02", "no 00 ff"]


def test_symbolic():
    form = event(
        '"%-4s|", __print_symbolic(REC->v, { 0, "none" }, { -1, "all" }, { 1, "x" }, { 1, "y" })', "int v 4 1"
    )
    assert bodies(form, v=[0, -1, 1, 5]) == ["none|", "all |", "x   |", "0x5 |"]


def test_symbolic_ends_with_a_null_name():
    form = event('"%s", __print_symbolic(REC->v, { 0, "a" }, { -1, ((void *)0) }, { 1, "b" })', "u32 v 4 0")
    assert bodies(form, v=[0, 1]) == ["a", "0x1"]


def test_times_that_are_unions():
    """hrtimer_start has them before Linux 4.10."""
    form = event('"expires=%llu", (unsigned long long)(((ktime_t) { .tv64 = REC->t }).tv64)', "s64 t 8 1")
    assert bodies(form, t=[5, 1 << 40]) == ["expires=5", "expires=1099511627776"]
    other = event('"%d %llu", REC->t, ((ktime_t) { .tv64 = REC->t }).sec', "s64 t 8 1")
    assert bodies(other, t=[5]) == [f"5 {UNKNOWN}"]


def test_names_of_values_in_old_formats():
    """Before Linux 4.1, a format has the name of an enum's value, which the kernel prints by its number."""
    form = event(
        '"%s", __print_symbolic(REC->v, { HI_SOFTIRQ, "HI" }, { BLOCK_IOPOLL_SOFTIRQ, "BLOCK_IOPOLL" },'
        ' { RCU_SOFTIRQ, "RCU" }, { WB_REASON_SYNC, "sync" })', "unsigned int v 4 0")  # fmt: skip
    assert bodies(form, v=[0, 5, 9, 2, 3]) == ["HI", "BLOCK_IOPOLL", "RCU", "sync", "0x3"]


def test_the_expansion_of_get_str():
    """Some vendors' kernels have it in place of the name."""
    form = event(
        '"%s state=%lu len=%u", ((char *)((void *)((char *)REC + (REC->__data_loc_name & 0xffff)))),'
        " (unsigned long)REC->state, (REC->__data_loc_name >> 16)",
        "__data_loc char[] name 4 0", "u64 state 8 0",
    )  # fmt: skip
    assert bodies(form, name=["gpu", "cpu0"], state=[1, 2]) == ["gpu state=1 len=4", "cpu0 state=2 len=5"]
    assert [field.name for field in form.measured] == ["name"]


def test_orders_of_bytes():
    text = '"%u %x %u %u", be16_to_cpu(REC->p), __le32_to_cpu(REC->a), ntohs(REC->p), htons(80)'
    form = event(text, "__be16 p 2 0", "u32 a 4 0")
    assert bodies(form, p=[0x5000], a=[0x1020304]) == ["80 1020304 80 20480"]
    big = Lookups(big_endian=True)
    assert bodies(form, big, p=[0x50], a=[0x1020304]) == ["80 4030201 80 80"]


def test_lengths_of_texts():
    form = event('"%lu %lu", strlen(REC->s), strlen(REC->b)', "char s[8] 8 1", "u8 b[4] 4 0")
    assert bodies(form, s=["abc", "\u00e9"], b=[[65, 0, 66, 0], [1, 2, 3, 4]]) == ["3 1", "2 4"]
    assert bodies(event('"%lu", strlen(REC->a)', "const char * a 8 0"), a=[16]) == [UNKNOWN]


def test_variables_that_are_declared_together_or_set_later():
    form = event('"%d %d %d", ({ unsigned int x = REC->a, y = 2; x + y; }), ({ int r; r = REC->a; r * 2; }),'
                 " ({ typeof(REC->a) x = REC->a; x + (typeof(REC->a))-1; })", "int a 4 1")  # fmt: skip
    assert bodies(form, a=[5]) == ["7 10 4"]


def test_constants_of_the_kernel():
    text = '"%s", __print_symbolic(REC->v, { TCP_LISTEN, "LISTEN" }, { NOBODY_KNOWS, "X" }, { MINE, "Y" })'
    form = event(text, "int v 4 1")
    assert bodies(form, v=[10, 3]) == ["LISTEN", "0x3"]
    assert bodies(form, Lookups(constant={"MINE": 3, "TCP_LISTEN": 5}.get), v=[10, 3]) == ["0xa", "Y"]


def test_arrays():
    form = event(
        '"%s %s %s %x %02x", __print_array(REC->w, 2, 4), __print_hex(REC->b, 3), __print_hex_str(REC->b, 3),'
        " REC->w[1], REC->b[0]",
        "u32 w[3] 12 0",
        "u8 b[3] 3 0",
    )
    assert bodies(form, w=[[1, 2, 3], [255, 1 << 31, 0]], b=[[1, 2, 3], [0, 255, 16]]) == [
        "{0x1,0x2} 01 02 03 010203 2 01",
        "{0xff,0x80000000} 00 ff 10 00ff10 80000000 00",
    ]


def test_arrays_as_long_as_each_record_says():
    form = event(
        '"%s %d %s",'
        " __print_array(__get_dynamic_array(d), __get_dynamic_array_len(d) / sizeof(u64), sizeof(u64)),"
        " __get_dynamic_array_len(d), __print_hex(__get_dynamic_array(b), REC->n)",
        "__data_loc u64[] d 4 0", "__data_loc u8[] b 4 0", "int n 4 1",
    )  # fmt: skip
    assert bodies(form, d=[[1, 2], [], [255]], b=[b"\1\2", b"", b"\3"], n=[2, 0, 1]) == [
        "{0x1,0x2} 16 01 02", "{} 0 ", "{0xff} 8 03"]  # fmt: skip


def test_arrays_of_a_kernel_that_has_a_function_for_them():
    form = event('"%s %s", __print_dynamic_array(d, 8), __print_dynamic_array(b, 1)',
                 "__data_loc u64[] d 4 0", "__data_loc u8[] b 4 0")  # fmt: skip
    assert bodies(form, d=[[1, 255], []], b=[b"\1", b"\2\3"]) == ["{0x1,0xff} {0x1}", "{} {0x2,0x3}"]
    dump = event('"%s", __print_hex_dump("p ", DUMP_PREFIX_OFFSET, 16, 1, __get_dynamic_array(b), 2, 1)',
                 "__data_loc u8[] b 4 0")  # fmt: skip
    assert bodies(dump, b=[b"ab", b"ac"])[1] == "\\np 00000000: 61 63" + " " * 44 + "ac\\n"


def test_relative_fields():
    form = event('"%s %d %s %s %pISpc", __get_rel_str(s), __get_rel_dynamic_array_len(d), '
                 "__print_hex(__get_rel_dynamic_array(d), 2), __get_rel_cpumask(m), __get_rel_sockaddr(a)",
                 "__rel_loc char[] s 4 0", "__rel_loc u8[] d 4 0", "__rel_loc cpumask_t m 4 0",
                 "__rel_loc u8[] a 4 0")  # fmt: skip
    found = bodies(form, s=["x"], d=[b"\1\2"], m=[[5]], a=[bytes.fromhex("0200005001020304")])
    assert found == ["x 2 01 02 00000000,00000005 1.2.3.4:80"]


def test_context_of_an_event():
    form = event(
        '"%d %d %d", !!__event_in_hardirq(), !!__event_in_softirq(), !!__event_in_irq()', "int a 4 1"
    )
    made = batch("e", format=form, a=np.array([1, 2, 3]), common_flags=np.array([8, 16, 1], np.int32))
    assert Body(form).texts(made) == ["1 0 1", "0 1 1", "0 0 0"]


def test_a_choice_between_kinds_of_text():
    form = event('"%s %s %s", REC->p ? REC->p : "none", REC->n[0] ? REC->n : "-", REC->u ?: "x"',
                 "const char * p 8 0", "char n[4] 4 0", "u8 u[4] 4 0")  # fmt: skip
    known = Lookups(text={64: "saved"}.get)
    found = bodies(form, known, p=[0, 64, 80], n=["", "ab", "c"], u=[[97, 0, 0, 0], [98, 99, 0, 0], [0] * 4])
    assert found == ["none - a", "saved ab bc", "0x50 c "]


def test_fields_as_conditions():
    form = event('"%s %d", REC->n && REC->a ? "both" : "no", !REC->n', "int a 4 1", "char n[4] 4 0")
    assert bodies(form, a=[0, 1], n=["", "x"]) == ["no 0", "both 0"]


def test_sizes_of_fields():
    form = event('"%zu %zu %zu %s", sizeof(REC->h), sizeof(REC->w), sizeof(REC->w[0]), '
                 "__print_hex(REC->h, sizeof(REC->h))", "u8 h[6] 6 0", "u32 w[3] 12 0")  # fmt: skip
    assert bodies(form, h=[[2, 0, 0, 0, 1, 10]], w=[[1, 2, 3]]) == ["6 12 4 02 00 00 00 01 0a"]
    absent = event('"%zu", sizeof(REC->d)', "__data_loc u8[] d 4 0")
    assert bodies(absent, d=[b"x"]) == [UNKNOWN]


def test_bitmask_of_other_machines():
    form = event('"%s", __get_bitmask(m)', "__data_loc unsigned long[] m 4 0")
    for machine in (Lookups(big_endian=True), Lookups()):
        assert bodies(form, machine, m=[[1 << 32 | 5]]) == ["00000001,00000005"]


def test_bitmask():
    form = event('"%s", __get_cpumask(m)', "__data_loc cpumask_t m 4 0")
    assert bodies(form, m=[[5], [1 << 32, 2]]) == ["00000000,00000005", "00000000,00000002,00000001,00000000"]


def test_network_addresses():
    form = event('"%pI4 %pI6c %pM", REC->four, REC->six, REC->mac', "__u8 four[4] 4 0", "__u8 six[16] 16 0",
                 "u8 mac[6] 6 0")  # fmt: skip
    assert bodies(form, four=[[127, 0, 0, 1]], six=[[0] * 15 + [1]], mac=[[1, 2, 3, 4, 5, 255]]) == [
        "127.0.0.1 ::1 01:02:03:04:05:ff"
    ]


def test_texts_and_their_lengths():
    form = event('"%.*s [%10s] %d", REC->n, __get_str(s), REC->c, __get_dynamic_array_len(s)',
                 "int n 4 1", "__data_loc char[] s 4 0", "char c[8] 8 0")  # fmt: skip
    assert bodies(form, n=[2, 9], s=["text", "t"], c=["x", "yz"]) == [
        "te [         x] 5", "t [        yz] 2"]  # fmt: skip


def test_addresses():
    form = event('"%ps %pS %p %s", (void *)REC->a, (void *)REC->a, REC->a, REC->s',
                 "unsigned long a 8 0", "const char * s 8 0")  # fmt: skip
    lookups = Lookups(lambda a, offset: f"f+0x{a & 15:x}/0x10" if offset else "f", {64: "rcu"}.get)
    assert bodies(form, lookups, a=[(1 << 64) - 1], s=[64]) == ["f f+0xf/0x10 ffffffffffffffff rcu"]
    assert bodies(form, a=[16], s=[0]) == ["0x10 0x10 0000000000000010 (null)"]


def test_seconds():
    form = event('"%llu.%09u", __print_ns_to_secs(REC->t), __print_ns_without_secs(REC->t)', "u64 t 8 0")
    assert bodies(form, t=[1_000_000_005]) == ["1.000000005"]


def test_many_rows_are_spelled_as_few_are():
    form = event('"%d %5d %05d %lx %016llx %X %p %u",'
                 " REC->i, REC->i, REC->i, REC->l, REC->l, REC->i, REC->l, REC->i",
                 "int i 4 1", "unsigned long l 8 0")  # fmt: skip
    dice = np.random.default_rng(3)
    columns = {
        "i": dice.integers(-(1 << 31), 1 << 31, 3000),
        "l": dice.integers(0, 1 << 63, 3000).astype(np.uint64),
    }
    body = Body(form)
    whole = body.texts(batch("e", format=form, **columns))
    single = [
        body.texts(batch("e", format=form, **columns).take(np.array([row])))[0] for row in range(0, 3000, 97)
    ]
    assert whole[::97] == single
    i, unsigned = int(columns["i"][0]), int(columns["l"][0])
    wrapped = i & 0xFFFFFFFF
    assert (
        whole[0] == f"{i} {i:5d} {i:05d} {unsigned:x} {unsigned:016x} {wrapped:X} {unsigned:016x} {wrapped}"
    )


def test_what_only_the_kernel_knows_is_marked_alone():
    form = event('"page=%p pfn=%lx age=%lu",'
                 " (((struct page *)vmemmap_base) + (REC->p)), REC->p, (jiffies - REC->p) / 250",
                 "unsigned long p 8 0")  # fmt: skip
    assert bodies(form, p=[5]) == [f"page={UNKNOWN} pfn=5 age={UNKNOWN}"]


@pytest.mark.parametrize("print_fmt", ["", "REC->a", '"%d %d", REC->a', '"%d", sizeof(struct x)'])
def test_what_is_not_understood_gives_the_fields(print_fmt):
    form = event(print_fmt, "int a 4 1", "char b[4] 4 0", "u8 c[2] 2 0")
    assert Body(form).problem
    assert bodies(form, a=[-1], b=["x\n"], c=[[1, 2]]) == [f"{MARKER} a=-1 b=x\\n c=[1, 2]"]


def test_what_every_record_begins_with():
    form = event('"%d %d %d %x %s", REC->ent.pid, REC->common_pid, REC->s.m, REC->ent.flags, '
                 'REC->common_flags & 0x18 ? "(in-irq)" : ""', "struct x s 4 0")  # fmt: skip
    made = batch("e", format=form, s=np.array([5]), pid=[77], common_flags=np.array([0x108], np.int32))
    assert Body(form).texts(made) == [f"77 77 {UNKNOWN} 8 (in-irq)"]


def test_absent_columns():
    form = event('"%d %s", REC->a, __get_str(b)', "int a 4 1", "__data_loc char[] b 4 0")
    assert bodies(form, b=["x"]) == [f"{UNKNOWN} x"]


def test_nothing_steers_the_terminal():
    form = event('"%s\\t%c\\n", REC->b, REC->a', "int a 4 1", "char b[4] 4 0")
    assert bodies(form, a=[7], b=["\x1b[31m"]) == ["\\x1b[31m\t\\x07\n"]


def test_times_are_rounded_as_the_kernel_rounds_them():
    form = event('"%d", REC->a', "int a 4 1")
    out = io.BytesIO()
    times = [1_499, 1_500, 999_999_500]
    Text(out).write(Chunk((batch("e", format=form, ts=times, a=np.array([1, 2, 3])),)))
    assert [text.split()[3] for text in out.getvalue().decode().splitlines()] == [
        "0.000001:", "0.000002:", "1.000000:"]  # fmt: skip


def test_a_column_of_texts_may_hold_values_that_no_row_has():
    form = event('"%s", REC->b', "char b[4] 4 0")
    made = batch("e", format=form, b=Strings(np.array([2], np.int32), ("x", "y", "z")))
    assert Body(form).texts(made) == ["z"]


@pytest.mark.parametrize(
    "expression",
    [
        "__print_flags()",
        "__print_flags(REC->v)",
        '__print_flags(REC->s, "|", { 1, "A" })',
        '__print_flags(REC->a, "|", { 1, "A" })',
        "__print_symbolic()",
        '__print_symbolic(REC->s, { 1, "A" })',
        '__print_symbolic_u64(REC->a, { 1, "A" })',
        "__print_hex()",
        "__print_hex(REC->a)",
        "__print_hex(REC->a, REC->s)",
        "__print_hex_str(REC->a, 1, 2)",
        "__print_array(REC->a)",
        "__print_array(REC->a, 3)",
        "__print_array(REC->a, REC->s, 4)",
        "__print_array(REC->a, 1, 4, 1)",
        "REC->a[-1]",
        "REC->o[-1]",
        "1" + " + 1" * 3000,
        "REC->v" + "[0]" * 3000,
    ],
    ids=lambda expression: expression[:40],
)
def test_calls_that_the_kernels_macros_do_not_have(expression: str) -> None:
    """A damaged recording can have any: the value is not known, and all else is shown."""
    form = event(f'"%d %s", REC->v, {expression}', "int v 4 1", "char s[8] 8 0", "u32 a[2] 8 0",
                 "__data_loc u8[] o 4 0")  # fmt: skip
    assert bodies(form, v=[1, 2], s=["x", "y"], a=[[1, 2], [3, 4]], o=[[1], []]) == [
        f"1 {UNKNOWN}",
        f"2 {UNKNOWN}",
    ]


@pytest.mark.parametrize("number", ["08", "9" * 5000])
def test_numbers_that_are_none(number: str) -> None:
    form = event(f'"%d", {number}', "int v 4 1")
    assert bodies(form, v=[1]) == [f"{MARKER} v=1"]


def test_states_of_an_inode_by_name():
    """Their numbers are in no format since they are an enum of the kernel."""
    form = event('"%s", __print_flags(REC->state, "|", {I_NEW, "I_NEW"}, {I_SYNC, "I_SYNC"}, '
                 '{I_DIRTY_SYNC, "I_DIRTY_SYNC"}, {I_DIRTY_TIME, "I_DIRTY_TIME"})',
                 "u32 state 4 0")  # fmt: skip
    assert bodies(form, state=[0, 0x10, 0x1003]) == ["", "I_DIRTY_SYNC", "I_NEW|I_SYNC|I_DIRTY_TIME"]
