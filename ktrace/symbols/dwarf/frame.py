"""Find the canonical frame address in .debug_frame (6.4): the value of DW_OP_call_frame_cfa."""

from ktrace.model.debuginfo import InMemory
from ktrace.symbols.dwarf.bytes import BROKEN, block, cstring, fixed, initial_length, sleb, uleb
from ktrace.symbols.dwarf.ranges import Ranges
from ktrace.symbols.dwarf.registers import register_name
from ktrace.symbols.elf import Elf, Section

_CIE = 0xFFFFFFFF
# Operands of instructions that do not change the address. u: ULEB128, s: signed, b: block.
_OTHERS = {
    0x00: "", 0x05: "uu", 0x06: "u", 0x07: "u", 0x08: "u", 0x09: "uu", 0x10: "ub", 0x11: "us", 0x14: "uu",
    0x15: "us", 0x16: "ub", 0x2D: "", 0x2E: "u",
}  # fmt: skip

Rule = tuple[int, int] | None  # register number, bytes added; None: by an expression


def frame_address(elf: Elf, ranges: Ranges, address: int) -> InMemory | None:
    """Return the frame address at an instruction as register and offset; None if it is not described so.

    Args:
        ranges: of the function that holds `address`: each range begins with its own description.
    """
    section = elf.section(".debug_frame")
    if section is None:
        return None
    for low, high in ranges:
        if low <= address < high:
            for at in section.find_all(low.to_bytes(8, "little")):
                rule = _rule(section, at - 8, low, address)
                if rule:
                    name = register_name(elf.machine, rule[0])
                    return InMemory(name, (rule[1],)) if name else None
    return None


def _rule(section: Section, start: int, low: int, address: int) -> Rule:
    """Return the rule of the description (FDE) at `start`, if one is there that holds the address."""
    if start < 0:
        return None
    length, cie = section.u32(start), section.u32(start + 4)
    # The match may be any bytes that look like the address: only a whole description counts.
    if length < 20 or start + 4 + length > section.size or length > 0xFFFFFF0 or cie + 20 > section.size:
        return None
    if section.u32(cie + 4) != _CIE or not low <= address < low + section.u64(start + 16):
        return None
    data = section.read(start + 24, length - 20)
    try:
        code_step, data_step, initial = _read_cie(section, cie)
        machine = _Machine(code_step, data_step, low, address)
        machine.run(initial)
        machine.initial = machine.rule
        machine.run(data)
    except BROKEN:
        raise section.damaged(start, "the description of a stack frame makes no sense") from None
    return machine.rule


def _read_cie(section: Section, offset: int) -> tuple[int, int, bytes]:
    """Return the factors of addresses and offsets, and the initial instructions of all descriptions."""
    data = section.read(offset, min(64 + section.u32(offset) + 4, section.size - offset))
    length, _, at = initial_length(data, 0)
    end = at + length
    version, at = data[at + 4], at + 5
    augmentation, at = cstring(data, at)
    if augmentation or version not in (1, 3, 4) or end > len(data):
        raise ValueError("an unknown kind of description")
    if version == 4:
        at += 2  # sizes of addresses and of segments
    code_step, at = uleb(data, at)
    data_step, at = sleb(data, at)
    if version == 1:
        at += 1
    else:
        _, at = uleb(data, at)
    return code_step, data_step, data[at:end]


class _Machine:
    """An interpreter that runs up to an address and keeps only the rule of the frame address."""

    def __init__(self, code_step: int, data_step: int, low: int, address: int) -> None:
        self._code_step, self._data_step = code_step, data_step
        self._at, self._address = low, address
        self.rule: Rule = None
        self.initial: Rule = None
        self._saved: list[Rule] = []

    def run(self, code: bytes) -> None:
        """Run until the next instruction is for a later address."""
        at = 0
        while at < len(code):
            op = code[at]
            at += 1
            step = None
            if op & 0xC0 == 0x40:
                step = op & 0x3F
            elif op in (2, 3, 4):  # advance_loc by one, two or four bytes
                step, at = fixed(code, at, 1 << op - 2)
            elif op == 1:  # set_loc
                value, at = fixed(code, at, 8)
                step = (value - self._at) // self._code_step if self._code_step else 0
            if step is not None:
                if self._at + step * self._code_step > self._address:
                    return
                self._at += step * self._code_step
            elif op & 0xC0 == 0x80:  # offset of a saved register
                _, at = uleb(code, at)
            elif not op & 0xC0:
                at = self._rule(op, code, at)

    def _rule(self, op: int, code: bytes, at: int) -> int:
        register, offset = self.rule or (0, 0)
        if op in (0x0C, 0x12):  # def_cfa
            register, at = uleb(code, at)
            offset, at = uleb(code, at) if op == 0x0C else self._factored(code, at)
            self.rule = register, offset
        elif op == 0x0D:  # def_cfa_register
            register, at = uleb(code, at)
            self.rule = register, offset
        elif op in (0x0E, 0x13):  # def_cfa_offset
            offset, at = uleb(code, at) if op == 0x0E else self._factored(code, at)
            self.rule = register, offset
        elif op == 0x0F:  # def_cfa_expression
            length, at = uleb(code, at)
            _, at = block(code, at, length)
            self.rule = None
        elif op == 0x0A:
            self._saved.append(self.rule)
        elif op == 0x0B:
            self.rule = self._saved.pop()
        else:
            if op not in _OTHERS:
                raise ValueError(f"unknown instruction {op}")
            for kind in _OTHERS[op]:
                value, at = (sleb if kind == "s" else uleb)(code, at)
                if kind == "b":
                    _, at = block(code, at, value)
        return at

    def _factored(self, code: bytes, at: int) -> tuple[int, int]:
        value, at = sleb(code, at)
        return value * self._data_step, at
