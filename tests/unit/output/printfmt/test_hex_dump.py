from ktrace.output.printfmt.hex_dump import hex_dump


def dump(data: bytes, row: int = 16, group: int = 1, **options) -> str:
    found = {"prefix": "", "with_offset": False, "ascii_too": False, "order": "little", **options}
    return hex_dump(data, row, group, **found)


def test_rows_and_groups() -> None:
    data = bytes(range(0x41, 0x41 + 18))
    assert dump(data) == "\n41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50\n51 52\n"
    assert dump(data[:8], group=4) == "\n44434241 48474645\n"
    assert dump(data[:8], group=4, order="big") == "\n41424344 45464748\n"
    assert dump(data[:3], group=2) == "\n41 42 43\n"  # not a whole number of groups
    assert dump(b"") == "\n"
    assert dump(data, row=32, group=8).count("\n") == 2


def test_prefix_and_characters() -> None:
    assert dump(b"ab\n", prefix="x: ", with_offset=True, ascii_too=True) == (
        "\nx: 00000000: 61 62 0a" + " " * 41 + "ab.\n"
    )
