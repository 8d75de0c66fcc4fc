from dataclasses import replace

import pytest

from ktrace.doctor.other_tracers import other_facts
from ktrace.tracefs.instances import Owner

TRACING = "/sys/kernel/tracing"


def facts(tree):
    return {f.name: f for f in other_facts(tree.machine())}


def test_nobody(tree):
    assert {f.status for f in facts(tree).values()} == {"ok"}
    assert [f.value for f in facts(tree).values()] == ["none", "on in the top buffer: none", "nop: nobody's"]


def test_instances_are_named(tree):
    for name in ("rasdaemon", "b", "c", "d"):
        tree.write(f"{TRACING}/instances/{name}/set_event", "")
    fact = facts(tree)["instances"]
    assert (fact.status, fact.value) == ("ok", "4 (b, c, d, ...)")


def test_instances_of_dead_sessions_are_to_be_cleaned(tree):
    stat = "77 (a b) S " + " ".join(map(str, range(4, 60)))
    tree.write("/proc/77/stat", stat)
    tree.write("/proc/self/status", "Name:\tx\nNSpid:\t9\n")
    owner = Owner.of_process(tree.machine().host, 77)
    assert owner is not None
    alive, dead = owner.name, replace(owner, starttime=1).name
    tree.write(f"{TRACING}/instances/{alive}/set_event", "")
    assert facts(tree)["instances"].status == "ok"
    tree.write(f"{TRACING}/instances/{dead}/set_event", "")
    fact = facts(tree)["instances"]
    assert (fact.status, fact.advice) == ("warn", "ktrace clean")
    assert dead in fact.value
    assert alive not in fact.value


def test_events_of_the_top_buffer_and_of_instances(tree):
    tree.write(f"{TRACING}/set_event", "sched:sched_switch\nirq:irq_handler_entry\n")
    tree.write(f"{TRACING}/instances/mine/set_event", "kprobes:a\n")
    assert facts(tree)["events"].value == (
        "on in the top buffer: 2 (sched:sched_switch, irq:irq_handler_entry); 1 in mine"
    )


def test_another_tracer(tree):
    tree.write(f"{TRACING}/current_tracer", "function\n")
    fact = facts(tree)["tracer"]
    assert (fact.status, fact.value) == ("warn", "function runs in the top buffer")
    assert f"echo nop > {TRACING}/current_tracer" in fact.advice


@pytest.mark.parametrize("gone", ["README", "set_event", "current_tracer"])
def test_what_cannot_be_read_is_unknown(tree, gone):
    tree.remove(f"{TRACING}/{gone}")
    assert "unknown" in {f.status for f in facts(tree).values()}
