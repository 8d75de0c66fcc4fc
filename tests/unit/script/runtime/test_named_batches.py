"""Batches with the names that tasks had at their events."""

from ktrace.model.batch import Chunk
from ktrace.script.runtime.columns import Columns
from ktrace.script.runtime.named_batches import named
from ktrace.script.runtime.task_events import take_names
from ktrace.script.runtime.tasks import Tasks
from tests.unit.script.runtime.test_task_events import rename
from tests.unit.script.scripts import events


def test_each_record_has_the_name_of_its_time() -> None:
    tasks = Tasks()
    take_names(tasks, Columns(rename(2, 7, "sh", "dd")))
    hits = events("sys_enter", {"id": [1, 2, 3, 4, 5]}, tid=[7, 7, 7, 7, 8], comm="late")
    (batch,) = named(tasks, Chunk((hits,))).batches
    assert [batch.comm[row] for row in range(5)] == ["sh", "sh", "sh", "dd", "late"]
