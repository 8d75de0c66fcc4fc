"""Reading one record by its event's arguments, and learning those."""

import time

import pytest

from ktrace.model.format import Arg, Signature
from ktrace.tracefs.text_shape import Shape, join, learn
from tests.unit.tracefs.textlines import SITE, signature


def shape(*args, is_return=False):
    return Shape(signature(*args, is_return=is_return)["kp"])


@pytest.mark.parametrize(
    ("text", "args"),
    [
        (b"", ()),
        (b" a=1 b=-2", (Arg("a", "dec"), Arg("b", "dec"))),
        (b" a=0x1f", (Arg("a", "hex"),)),
        (b' s="x y" n=1', (Arg("s", "str"), Arg("n", "dec"))),
        (b' s="x" y" n=1', (Arg("s", "str"), Arg("n", "dec"))),
        (b' s="x\ny"', (Arg("s", "str"),)),
        (b" s=(fault)", (Arg("s", "str"),)),
        (b" c='x' d='''", (Arg("c", "char"), Arg("d", "char"))),
        (b" f=vfs_read+0x4/0x370", (Arg("f", "sym"),)),
        (b" f=a+0x0/0x1 [m] n=1", (Arg("f", "sym"), Arg("n", "dec"))),
        (b" v={1,-2,3}", (Arg("v", "dec", 3),)),
        (b" v={0x1,0x2}", (Arg("v", "hex", 2),)),
        (b' v={"a","b,c",(fault)} n=1', (Arg("v", "str", 3), Arg("n", "dec"))),
        (b" v={'a',','}", (Arg("v", "char", 2),)),
        (b" v={a+0x0/0x1,0x0}", (Arg("v", "sym", 2),)),
    ],
)
def test_learn(text, args):
    body = SITE + text
    learned = learn("kp", body, 0, len(body))
    assert learned == Signature("kp", args)
    assert Shape(learned).full(body, 0, len(body)) is not None


@pytest.mark.parametrize("text", [b" a=zz", b" a", b"a=1", b" a=1 ", b' s="x', b" a=1 a=2", b" a={1,x}"])
def test_nothing_to_learn(text):
    assert learn("kp", SITE + text, 0, len(SITE + text)) is None


def test_learn_return():
    body = b"(ksys_read+0x6f/0xf0 <- vfs_read) r=1"
    learned = learn("r", body, 0, len(body))
    assert learned
    assert learned.is_return


def test_join_of_address_and_symbol():
    a, b = Signature("e", (Arg("f", "hex"),)), Signature("e", (Arg("f", "sym"),))
    assert join(a, b) == join(b, a) == b
    assert join(a, Signature("e", (Arg("f", "dec"),))) is None
    assert join(a, Signature("e", (Arg("g", "hex"),))) is None


def test_quick_and_full_agree_where_both_read():
    body = SITE + b' s="x" n=1'
    one = shape("s:str", "n:dec")
    assert one.quick(body, 0, len(body)) == one.full(body, 0, len(body))
    assert one.quick(body + b"\n", 0, len(body)) is not None


def test_full_takes_the_longest_or_the_shortest():
    body = SITE + b' s="a"\nb"\nc'
    one = shape("s:str")
    assert one.full(body, 0, len(body)).values == ('a"\nb',)
    assert one.full(body, 0, len(body), longest=False).values == ("a",)


def test_return_place_is_not_an_entrys():
    body = b"(a+0x0/0x1 <- b) n=1"
    assert shape("n:dec").full(body, 0, len(body)) is None
    assert shape("n:dec", is_return=True).full(body, 0, len(body)) is not None


def test_hostile_quotes_cost_no_more_than_a_look_at_each():
    args = [f"a{i}:str" for i in range(8)]
    evil = b"".join(b'" a%d="' % (i % 8) for i in range(4000))
    body = SITE + b"".join(b' a%d="%b"' % (i, evil) for i in range(8)) + b" x"
    started = time.monotonic()
    assert shape(*args).full(body, 0, len(body)) is None
    assert time.monotonic() - started < 20
