"""Show slow calls as text and as JSON Lines."""

import json

from ktrace.diagnostic import visible
from ktrace.model.slow_call import Slow
from ktrace.output.views.histogram import nanoseconds

SCHEMA = 1


def slow_text(slow: Slow) -> str:
    """Return a line for the call, and one for each frame of its stack."""
    args = " ".join(f"{name}={value}" for name, value in slow.args.items())
    head = f"{nanoseconds(slow.latency_ns):>8}  {slow.comm}-{slow.pid} [{slow.cpu:03}]"
    lines = [f"{slow.ts / 1e9:14.6f}  {head}  {args}".rstrip()]
    lines += [f"                 {frame}" for frame in slow.frames]
    return "".join(visible(line) + "\n" for line in lines)


def slow_record(slow: Slow) -> str:
    """Return a record of type `slow`."""
    record = {
        "schema": SCHEMA,
        "type": "slow",
        "ts": slow.ts,
        "cpu": slow.cpu,
        "pid": slow.pid,
        "comm": slow.comm,
        "latency_ns": slow.latency_ns,
        "args": slow.args,
        "frames": slow.frames,
    }
    return json.dumps(record, separators=(",", ":"))
