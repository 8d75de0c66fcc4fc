import pytest

from ktrace.stream.flags import FlagStyle

HEADER = """# tracer: nop
#
#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||| / _-=> migrate-disable
"""


@pytest.mark.parametrize(
    ("flags", "depth", "text"),
    [
        (0, 0, "....."),
        (0x01, 0x01, "d..1."),
        (0x80, 0x10, "b...1"),
        (0x81, 0xF2, "D..2f"),
        (0x04, 0, ".n..."),
        (0x24, 0, ".N..."),
        (0x20, 0, ".p..."),
        (0x02, 0, ".l..."),
        (0x22, 0, ".L..."),
        (0x06, 0, ".b..."),
        (0x26, 0, ".B..."),
        (0x08, 0, "..h.."),
        (0x10, 0, "..s.."),
        (0x18, 0, "..H.."),
        (0x40, 0, "..z.."),
        (0x48, 0x0A, "..Za."),
    ],
)
def test_each_flag(flags: int, depth: int, text: str) -> None:
    assert FlagStyle().text(flags | depth << 8) == text


def test_kernels_without_a_column_for_migration() -> None:
    assert FlagStyle.from_header(HEADER).migrate
    old = FlagStyle.from_header(HEADER.replace("migrate-disable", "delay"))
    assert old.text(0x0101) == "d..1" and old.text(0x1200) == "...12" and old.text(0) == "...."
