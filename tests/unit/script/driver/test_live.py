"""The probes of a script that runs now: what of them may be refused."""

from types import SimpleNamespace

import pytest

from ktrace.errors import UsageError
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.probes.define import Defined
from ktrace.resolve.spec import ProbeSpec
from ktrace.script.driver import live as script_live
from ktrace.session.run_context import RunContext
from ktrace.session.signals import StopSignals


class Session:
    """Takes the probes of functions that return something."""

    def __init__(self):
        self.events = []

    def add_probe(self, probe, _move):
        if probe.place.symbol == "returns_nothing":
            raise UsageError("returns_nothing returns nothing")
        return Defined(probe)

    def trace_event(self, event, *, stack):
        self.events.append(event)


@pytest.mark.parametrize("many", [True, False])
def test_of_a_wildcards_functions_some_may_have_no_value(many):
    names = ["returns_nothing", "vfs_read"]
    wanted = {name: ProbeSpec(Probe("r", "g", name, SymbolPlace(name)), one_of_many=many) for name in names}
    bound = SimpleNamespace(entries=(), found=[SimpleNamespace(key=name) for name in names])
    drive = SimpleNamespace(
        wants_stacks=set(), compiled=SimpleNamespace(bound=[bound], pushed=SimpleNamespace(filters={}))
    )
    kernel = SimpleNamespace(wanted=wanted, events={})
    options = SimpleNamespace(verbose=False, pushdown=False)
    session = Session()
    with StopSignals() as stop:
        if many:
            script_live._define(RunContext(session, stop, print), drive, kernel, options)
            assert session.events == ["g/vfs_read"]
        else:
            with pytest.raises(UsageError, match="returns nothing"):
                script_live._define(RunContext(session, stop, print), drive, kernel, options)
