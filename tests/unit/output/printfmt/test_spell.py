import pytest

from ktrace.model.lookups import Lookups
from ktrace.output.printfmt.spell import spell
from ktrace.output.printfmt.template import split


def spelled(conversion, value, *stars, lookups=None):
    (spec,) = split(conversion)
    return spell(spec, value, stars, lookups or Lookups())


@pytest.mark.parametrize(
    ("conversion", "value", "want"),
    [
        ("%d", -1, "-1"), ("%d", (1 << 32) - 1, "-1"), ("%u", -1, "4294967295"), ("%i", 5, "5"),
        ("%lld", -1, "-1"), ("%Lu", -1, str((1 << 64) - 1)), ("%ld", 1 << 63, str(-(1 << 63))),
        ("%hd", 65535, "-1"), ("%hhu", 257, "1"), ("%zu", 5, "5"), ("%hu", 70000, "4464"),
        ("%5d|", 42, "   42|"), ("%-5d|", 42, "42   |"), ("%05d", -42, "-0042"), ("%-05d|", 42, "42   |"),
        ("%+d", 5, "+5"), ("% d", 5, " 5"), ("%.3d", 5, "005"), ("%6.3d", -5, "  -005"),
        ("%x", 255, "ff"), ("%X", 255, "FF"), ("%#x", 255, "0xff"), ("%#X", 255, "0XFF"),
        ("%#x", 0, "0x0"), ("%#o", 8, "010"), ("%#o", 0, "0"), ("%o", 8, "10"),
        ("%08x", 255, "000000ff"), ("%#08x", 255, "0x0000ff"), ("%#6x", 255, "  0xff"),
        ("%016Lx", 1, "0" * 15 + "1"),
        ("%0x", 10, "a"), ("%c", 65, "A"), ("%3c", 65, "  A"), ("%-3c|", "b", "b  |"),
        ("%s", "text", "text"), ("%.2s", "text", "te"), ("%6s", "text", "  text"),
        ("%-6s|", "text", "text  |"),
        ("%s", None, "(null)"), ("%s", 0, "(null)"), ("%s", 4096, "0x1000"), ("%s", b"bytes\0x", "bytes"),
        ("%5s", "é", "   é"), ("%.1s", "é", b"\xc3".decode(errors="surrogateescape")),
        ("%p", 0xFFFF, "000000000000ffff"), ("%px", 1 << 63, "8000000000000000"), ("%pK", 1, "0" * 15 + "1"),
        ("%10p", 0xFF, "        ff"), ("%p", 0, "0" * 16), ("%#p", 1, "0x0000000000000001"),
        ("%pS", 0x40, "0x40"), ("%ps", 0x40, "0x40"),
        ("%pI4", bytes([127, 0, 0, 1]), "127.0.0.1"), ("%pi4", bytes([127, 0, 0, 1]), "127.000.000.001"),
        ("%pI4h", bytes([1, 0, 0, 127]), "127.0.0.1"),
        ("%pI6", bytes(15) + b"\1", "0000:" * 7 + "0001"), ("%pi6", bytes(15) + b"\1", "0" * 31 + "1"),
        ("%pI6c", bytes(15) + b"\1", "::1"), ("%pI6c", bytes(16), "::"),
        ("%pI6c", bytes(10) + b"\xff\xff\x01\x02\x03\x04", "::ffff:1.2.3.4"),
        ("%pI6c", bytes.fromhex("fe800000000000000000000000000001"), "fe80::1"),
        ("%pI6c", bytes.fromhex("20010db8000100000001000000010001"), "2001:db8:1:0:1:0:1:1"),
        ("%pI6c", bytes.fromhex("fe8000000000000000005efe01020304"), "fe80::5efe:1.2.3.4"),
        ("%pISpc", bytes.fromhex("0200" "0050" "0a000001") + bytes(8), "10.0.0.1:80"),
        ("%pISpc", bytes.fromhex("0a00" "1f90" "00000000") + bytes(15) + b"\1" + bytes(4), "[::1]:8080"),
        ("%pISpc", bytes(28), "(einval)"),
        ("%.s|", "all", "all|"),
        ("%.0s|", "all", "|"),
        ("%pM", bytes(range(6)), "00:01:02:03:04:05"), ("%pm", bytes(range(6)), "000102030405"),
        ("%pMF", bytes(range(6)), "00-01-02-03-04-05"), ("%pMR", bytes(range(6)), "05:04:03:02:01:00"),
        ("%pU", bytes(range(16)), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
        ("%pUb", bytes(range(16)), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
        ("%pUl", bytes(range(16)), "03020100-0504-0706-0809-0a0b0c0d0e0f"),
        ("%pUL", bytes(range(16)), "03020100-0504-0706-0809-0A0B0C0D0E0F"),
        ("%4ph", bytes(range(6)), "00 01 02 03"), ("%6phC", bytes(range(6)), "00:01:02:03:04:05"),
        ("%ph", b"ab", "61"), ("%0ph", b"ab", "61"),
        ("%100ph", bytes(70), " ".join(["00"] * 64)),
        ("%pISfc", bytes.fromhex("0a000000f23456780000000000000000000000000000000100000000"),
         "[::1]/36984440"),
        ("%pISsc", bytes.fromhex("0a000000000000000000000000000000000000000000000109000000"),
         "[::1]%9"),
        ("%piS", bytes.fromhex("020000500a000001"), "010.000.000.001"),
        ("%pISh", bytes.fromhex("020000500a000001"), "1.0.0.10"),
        ("%pi6", bytes(range(16)), bytes(range(16)).hex()),
        ("%pe", -2, "-ENOENT"), ("%pe", (1 << 64) - 517, "-EPROBE_DEFER"), ("%pe", -4000, "-4000"),
        ("%pe", 0xFFFF888000000000, "ffff888000000000"), ("%pe", 0, "0" * 16),
        ("%pa", bytes([1, 2, 0, 0, 0, 0, 0, 0]), "0x0000000000000201"),
        ("%pad", bytes([1, 2, 0, 0]), "0x00000201"),
        ("%pap", bytes([1, 2, 0, 0]), "0x00000201"),
        ("%pNF", bytes([0, 0xC0]) + bytes(6), "0x000000000000c000"),
        ("%4pE", b"\x1bb \\", r"\eb \\"[:-1]), ("%pE", b"ab", "a"),
        ("%33pb", bytes.fromhex("0f00000001000000"), "1,0000000f"),
        ("%33pbl", bytes.fromhex("0f00000001000000"), "0-3,32"),
        ("%p4cc", bytes.fromhex("42473132"), "BG12 little-endian (0x32314742)"),
        ("%p4cc", bytes.fromhex("4e5631b2"), "NV12 big-endian (0xb231564e)"),
        ("%p4ch", bytes.fromhex("30305067"), "gP00 (0x67503030)"),
        ("%p4chR", bytes.fromhex("67503030"), "gP00 (0x67503030)"),
        ("%p4cl", bytes.fromhex("30305067"), "gP00 (0x67503030)"),
        ("%p4cb", bytes.fromhex("67503030"), "gP00 (0x67503030)"),
        ("%p4cx", bytes(4), "(?)"),
        ("%ptT", (1546398245).to_bytes(8, "little"), "2019-01-02T03:04:05"),
        ("%pM", "a\0bcde", "61:00:62:63:64:65"),
        *((f"%{extension}", 4096, "(?)") for extension in (
            "pd", "pD2", "pg", "pV", "pOF", "pC", "pr", "pR", "pGp", "pGg", "pA", "pI4", "pM", "pUb", "pE")),
        ("%y", 1, "%y"),
    ],
)  # fmt: skip
def test_as_the_kernel_prints(conversion, value, want):
    parts = split(conversion)
    text = spell(parts[0], value, (), Lookups()) + "".join(parts[1:])
    assert text == want


def test_stars():
    assert spelled("%*d", 5, 4) == "   5"
    assert spelled("%*d", 5, -4) == "5   "
    assert spelled("%0*llx", 5, 4) == "0005"
    assert spelled("%.*s", "text", 2) == "te"
    assert spelled("%*.*s", "text", 4, 1) == "   t"
    assert spelled("%*phD", bytes(range(6)), 3) == "00-01-02"


def test_addresses_and_their_names():
    lookups = Lookups(symbol=lambda a, offset: f"f{a:x}+0x1/0x2 [m]" if offset else f"f{a:x} [m]")
    assert spelled("%pS", 16, lookups=lookups) == "f10+0x1/0x2 [m]"
    assert spelled("%ps", 16, lookups=lookups) == "f10 [m]"
    assert spelled("%pf", 16, lookups=lookups) == "f10 [m]"
    assert spelled("%pB", 17, lookups=lookups) == "f10+0x1/0x2 [m]"
    assert spelled("%20ps", 16, lookups=lookups) == " " * 13 + "f10 [m]"
    assert spelled("%s", 16, lookups=Lookups(text={16: "saved"}.get)) == "saved"


def test_templates():
    assert split("100%% of %d") == ["100% of ", split("%d")[0]]
    assert split("no end %") == ["no end %"]
    assert [part if isinstance(part, str) else part.text for part in split("a%pI6c/%-8.3lx%s.")] == [
        "a", "%pI6c", "/", "%-8.3lx", "%s", "."]  # fmt: skip
