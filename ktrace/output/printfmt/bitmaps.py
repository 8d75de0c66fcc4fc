"""Format bitmaps, such as CPU masks, as the kernel's `%*pb` and `%*pbl` do."""

from ktrace.output.printfmt.cint import Machine

_CHUNK = 32  # bits that are printed together


def bitmap(data: bytes, bits: int, machine: Machine) -> str:
    """Return chunks of 32 bits in hexadecimal, the highest first: `00000001,ffffffff`."""
    number = _number(data, machine)
    texts = []
    for low in range(0, bits, _CHUNK):
        size = min(_CHUNK, bits - low)
        texts.append(f"{number >> low & (1 << size) - 1:0{-(-size // 4)}x}")
    return ",".join(reversed(texts))


def bitmap_list(data: bytes, bits: int, machine: Machine) -> str:
    """Return the numbers of the set bits as ranges: `0,3-6`."""
    number = _number(data, machine)
    ranges = []
    bit = 0
    while bit < bits:
        if not number >> bit & 1:
            bit += 1
            continue
        end = bit
        while end + 1 < bits and number >> end + 1 & 1:
            end += 1
        ranges.append(f"{bit}-{end}" if end > bit else str(bit))
        bit = end + 1
    return ",".join(ranges)


def _number(data: bytes, machine: Machine) -> int:
    """Return all bits as one number: a bitmap is an array of longs, the lowest first."""
    size = machine.long
    words = [int.from_bytes(data[i : i + size], machine.order) for i in range(0, len(data), size)]
    return sum(word << 8 * size * i for i, word in enumerate(words))
