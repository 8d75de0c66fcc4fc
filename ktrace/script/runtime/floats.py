"""Functions on floating-point numbers, which scripts hold as the 64 bits of an IEEE 754 double."""

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

from ktrace.script.runtime.state import State

_HIGHEST = (1 << 63) - 1


def functions(_state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name."""
    return {
        "fp32_to_fp64": lambda bits: _bits(struct.unpack("<f", struct.pack("<I", bits & 0xFFFFFFFF))[0]),
        "long_to_fp": lambda value: _bits(float(value)),
        "string_to_fp": _from_text,
        "fp_to_string": lambda bits, digits: f"{_value(bits):.{max(min(digits, 64), 0)}f}",
        "fp_to_long": _to_long,
        "fp_add": lambda a, b: _bits(_value(a) + _value(b)),
        "fp_sub": lambda a, b: _bits(_value(a) - _value(b)),
        "fp_mul": lambda a, b: _bits(_value(a) * _value(b)),
        "fp_div": lambda a, b: _bits(_divided(_value(a), _value(b))),
        "fp_rem": lambda a, b: _bits(_remainder(_value(a), _value(b))),
        "fp_sqrt": lambda a: _bits(math.sqrt(_value(a)) if _value(a) >= 0 else math.nan),
        "fp_eq": lambda a, b: int(_value(a) == _value(b)),
        "fp_le": lambda a, b: int(_value(a) <= _value(b)),
        "fp_lt": lambda a, b: int(_value(a) < _value(b)),
    }


def _value(bits: int) -> float:
    found: float = struct.unpack("<d", struct.pack("<q", bits))[0]
    return found


def _bits(value: float) -> int:
    found: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return found


def _from_text(text: str) -> int:
    try:
        return _bits(float(text))
    except ValueError:
        return _bits(0.0)


def _divided(a: float, b: float) -> float:
    if b:
        return a / b
    return math.nan if not a or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def _remainder(a: float, b: float) -> float:
    return math.remainder(a, b) if b and math.isfinite(a) and not math.isnan(b) else math.nan


def _to_long(bits: int, mode: int, _exact: int) -> int:
    """Round to a whole number: 0 to the nearest, 1 towards 0, 2 down, 3 up. It stays within 64 bits."""
    value = _value(bits)
    if math.isnan(value):
        return _HIGHEST
    if math.isinf(value):
        return _HIGHEST if value > 0 else -_HIGHEST - 1
    rounded: dict[int, Callable[[float], int]] = {1: math.trunc, 2: math.floor, 3: math.ceil}
    whole = rounded.get(mode, round)(value)
    return max(min(whole, _HIGHEST), -_HIGHEST - 1)
