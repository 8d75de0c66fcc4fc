"""The list of passes is true of the functions in it."""

import importlib
import typing
from dataclasses import fields
from pathlib import Path

import pytest

from ktrace.script.passes.compilation import Compilation
from ktrace.script.passes.pass_list import PASSES
from ktrace.script.passes.pass_manager import Pass, listing

EVERY = pytest.mark.parametrize("one", PASSES, ids=[one.name for one in PASSES])


@EVERY
def test_a_pass_is_in_the_module_of_its_name_and_has_a_test_of_its_own(one: Pass) -> None:
    module = importlib.import_module(f"ktrace.script.passes.{one.name}")
    assert getattr(module, one.name) is one.run
    assert Path(__file__).with_name(f"test_{one.name}.py").is_file()


@EVERY
def test_what_a_pass_takes_and_returns_has_the_types_of_the_compilation(one: Pass) -> None:
    values = typing.get_type_hints(Compilation)
    hints = typing.get_type_hints(one.run)
    returned = hints.pop("return")
    assert hints == {name: values[name] for name in one.reads}
    expected = [values[name] for name in one.makes]
    assert (list(typing.get_args(returned)) if len(expected) > 1 else [returned]) == expected


def test_all_values_are_made() -> None:
    assert {name for one in PASSES for name in one.makes} == {
        f.name for f in fields(Compilation) if not f.init
    }


def test_all_results_are_read_or_are_the_compiler_s_result() -> None:
    """A value that a pass makes and nobody reads is not worth making."""
    kept = {"bound", "notes", "types", "pushed", "counted", "emitted", "warnings", "script"}
    read = {name for one in PASSES for name in one.reads}
    assert {name for one in PASSES for name in one.makes} - read <= kept


def test_the_list_fits_into_80_columns() -> None:
    assert max(map(len, listing(PASSES))) <= 80
