"""Facts of the running kernel that the arguments of a probe need."""

from pathlib import Path

import pytest

from ktrace.expr.source import Site
from ktrace.model.features import Features
from ktrace.resolve.facts import with_facts
from tests.unit.session.places import OLD_README, BuiltKernel


@pytest.mark.parametrize(("this_cpu_read", "limit"), [(False, 13), (True, 8)])
def test_kernels_with_this_cpu_read_follow_fewer_pointers(
    tmp_path: Path, this_cpu_read: bool, limit: int
) -> None:
    kernel = BuiltKernel(tmp_path / "kernel", OLD_README)
    site = Site("vfs_read", features=Features(this_cpu_read=this_cpu_read))
    assert with_facts(site, kernel).deref_max == limit
