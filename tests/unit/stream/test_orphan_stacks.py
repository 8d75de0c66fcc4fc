"""Stacks without the record that they belong to."""

from ktrace.model.batch import Chunk, Lost, Mark, Stack
from ktrace.stream.orphan_stacks import OwnStacks
from tests.unit.stream.chunks import batch


def stack(seq: int, pid: int = 1, cpu: int = 0, *, user: bool = False) -> Stack:
    return Stack(seq, seq, cpu, pid, "a", user, ("f",))


def left(own: OwnStacks, *marks: Mark, events: tuple[int, ...] = ()) -> list[int]:
    """The places of the marks that stay."""
    batches = (batch(*events),) if events else ()
    chunk = own(Chunk(batches, marks))
    assert chunk.batches == batches
    return [mark.seq for mark in chunk.marks]


def test_a_stack_without_its_record_is_left_out() -> None:
    own = OwnStacks({"kp"})
    assert left(own, stack(0), stack(2), stack(3), stack(5), events=(1, 4)) == [2, 5]


def test_stacks_of_others_are_none_of_it() -> None:
    own = OwnStacks({"kp"})
    marks = (stack(1, pid=2), stack(2, cpu=1), Lost(3, 0, 5), stack(4, user=True), stack(5))
    assert left(own, *marks, events=(0,)) == [3, 4, 5]


def test_an_interrupt_between_a_record_and_its_stack() -> None:
    own = OwnStacks({"kp"})
    assert left(own, stack(2), stack(3), stack(4), events=(0, 1)) == [2, 3]


def test_the_stack_may_come_with_the_next_chunk() -> None:
    own = OwnStacks({"kp"})
    assert left(own, events=(0,)) == []
    assert left(own, stack(1), stack(2)) == [1]


def test_records_of_events_without_stacks_do_not_count() -> None:
    assert left(OwnStacks({"other"}), stack(1), events=(0,)) == []


def test_records_whose_stacks_never_come_do_not_add_up() -> None:
    own = OwnStacks({"kp"})
    left(own, events=tuple(range(100)))
    assert len(left(own, *map(stack, range(100, 200)))) == 4
