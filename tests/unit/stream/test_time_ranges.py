"""All parts of a recording, one after the other, are the whole."""

import random
from pathlib import Path

import pytest

from ktrace.model.batch import Chunk, Lost
from ktrace.stream.recording import Recording
from ktrace.stream.time_ranges import Parts
from ktrace.tracedat.writer import write_file
from tests.unit.stream.test_recording import MADE, page
from tests.unit.tracedat.build import PAGE, version7, zlib_pack

Row = tuple[int, int, int]


def told(chunks: list[Chunk]) -> tuple[list[Row], list[tuple[int | None, int | None]]]:
    """Time, CPU and `n` of each event in the order of the stream; CPU and number of each loss."""
    rows: list[Row] = []
    lost = []
    for chunk in chunks:
        found = [(int(b.seq[i]), int(b.ts[i]), int(b.cpu[i]), int(b["n"][i])) for b in chunk.batches
                 for i in range(len(b))]  # fmt: skip
        rows += [row[1:] for row in sorted(found)]
        lost += [(mark.cpu, mark.count) for mark in chunk.marks if isinstance(mark, Lost)]
    return rows, lost


def pages_at_random(seed: int) -> dict[int, list[bytes]]:
    """Pages of several CPUs, of different lengths; some times are the same on several of them."""
    chance = random.Random(seed)
    made: dict[int, list[bytes]] = {}
    n = 0
    for cpu in range(chance.randint(1, 4)):
        time = chance.randint(0, 50)
        made[cpu] = []
        for _ in range(chance.randint(0, 12)):
            times = [time := time + chance.choice([0, 0, 1, 5, 40]) for _ in range(chance.randint(1, 9))]
            made[cpu].append(page(times, n, lost=chance.choice([None, None, None, 3])))
            n += len(times)
    return made


@pytest.mark.parametrize("seed", range(40))
def test_all_parts_are_the_whole(tmp_path: Path, seed: int) -> None:
    path = str(tmp_path / "a.dat")
    write_file(path, MADE, pages_at_random(seed))
    with Recording([path]) as recording:
        whole, lost = told(list(recording.chunks()))
        parts = Parts(recording, PAGE)
        assert len(parts.all) > 1 or not whole or seed
        found, found_lost = told([chunk for part in parts.all for chunk in parts.chunks(part)])
    assert found == whole
    assert sorted(found_lost, key=str) == sorted(lost, key=str)


def test_a_part_has_what_is_in_its_time_and_no_more(tmp_path: Path) -> None:
    path = str(tmp_path / "a.dat")
    write_file(path, MADE, {0: [page([10, 20]), page([30, 40], 2)], 1: [page([15, 30, 35], 100)]})
    with Recording([path]) as recording:
        parts = Parts(recording, PAGE)
        first, second = (told(list(parts.chunks(part)))[0] for part in parts.all)
    assert [time for time, _, _ in first] == [10, 15, 20]
    assert [time for time, _, _ in second] == [30, 30, 35, 40]


def test_what_was_lost_without_a_place_comes_at_the_end(tmp_path: Path) -> None:
    path = str(tmp_path / "a.dat")
    write_file(path, MADE, {0: [page([10]), page([20], 1, lost=3)]})
    with Recording([path]) as recording:
        assert Parts(recording, PAGE).not_told({0: 3}) == ()


@pytest.mark.parametrize("pack", [None, zlib_pack])
def test_compressed_pages_are_not_taken_apart(tmp_path: Path, pack: object) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(version7(MADE, {0: [page([10]), page([20]), page([30])]}, pack))
    with Recording([str(path)]) as recording:
        assert len(Parts(recording, PAGE).all) == (0 if pack else 3)


def test_several_files_are_not_taken_apart(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("a.dat", "b.dat")]
    for path in paths:
        write_file(path, MADE, {0: [page([10]), page([20])]})
    with Recording(paths) as recording:
        assert Parts(recording, PAGE).all == []
