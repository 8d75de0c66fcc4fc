"""`$value` of what a script serves, and functions that make metrics in JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from ktrace.records import dataclass
from ktrace.script.language.faults import Fault
from ktrace.script.runtime.state import State, bytes_text, python_text


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name."""
    served, metrics = state.served, _Metrics()

    def put(text: str) -> str:
        if served.most is not None and len(text) > served.most:
            raise Fault(f"$value has more than {served.most} bytes: .maxsize(N) after .read allows N")
        served.value = text
        return text

    return {
        "__ktrace_value": lambda: served.value,
        "__ktrace_set_value": put,
        "__ktrace_append_value": lambda text: put(served.value + text),
        "__ktrace_label": lambda name, value: f'{name}="{_escaped(value)}"',
        "__ktrace_json_prefix": metrics.set_prefix,
        "__ktrace_json_add": metrics.add,
        "__ktrace_json_add_to": metrics.add_to,
        "__ktrace_json_metadata": metrics.metadata,
        "__ktrace_json_start": metrics.start,
        "__ktrace_json_text": metrics.put,
        "__ktrace_json_number": metrics.put,
        "__ktrace_json_element_text": metrics.put_element,
        "__ktrace_json_element_number": metrics.put_element,
        "__ktrace_json_data": metrics.data,
    }


def _escaped(value: str) -> str:
    """Escape the value of a label as in Prometheus's text format, version 0.0.4."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@dataclass(slots=True)
class _Metrics:
    """Metrics in the two JSON files of pmdajson(1): what there is, and the values.

    An array is a list of objects, each with its index as `__id`.
    """

    prefix: str = ""
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def set_prefix(self, prefix: str) -> int:
        self.prefix = python_text(prefix)
        return 0

    def add(self, name: str, kind: str, description: str, units: str) -> int:
        """Add a metric. Raises Fault for a second one of that name."""
        self._add(self.known, name, kind, description, units)
        return 0

    def add_to(self, array: str, name: str, kind: str, description: str, units: str) -> int:
        """Add a metric to an array's elements. Raises Fault if there is no such array."""
        self._add(self._array(array)["metrics"], name, kind, description, units)
        return 0

    def metadata(self) -> str:
        listed = [
            {**one, "metrics": list(one["metrics"].values())} if "metrics" in one else one
            for one in self.known.values()
        ]
        return _text(({"prefix": self.prefix} if self.prefix else {}) | {"metrics": listed})

    def start(self) -> int:
        self.values = {}
        return 0

    def put(self, name: str, value: int | str) -> int:
        self._check(self.known, name)
        self.values[python_text(name)] = _shown(value)
        return 0

    def put_element(self, array: str, index: str, name: str, value: int | str) -> int:
        self._check(self._array(array)["metrics"], name)
        elements = self.values.setdefault(python_text(array), {})
        elements.setdefault(index, {"__id": python_text(index)})[python_text(name)] = _shown(value)
        return 0

    def data(self) -> str:
        return _text({k: list(v.values()) if isinstance(v, dict) else v for k, v in self.values.items()})

    def _add(self, to: dict[str, dict[str, Any]], name: str, kind: str, description: str, units: str) -> None:
        if name in to:
            raise Fault(f"there are two metrics '{name}'")
        shown = python_text(name)
        made: dict[str, Any] = {"name": shown, "pointer": f"/{shown}", "type": kind}
        for key, text in (("description", description), ("units", units)):
            if text:
                made[key] = python_text(text)
        if kind == "array":
            made |= {"index": "/__id", "metrics": {}}
        to[name] = made

    def _array(self, name: str) -> dict[str, Any]:
        found = self.known.get(name)
        if found is None or found["type"] != "array":
            raise Fault(f"there is no array '{name}': json_add_array adds one")
        return found

    def _check(self, known: Mapping[str, Any], name: str) -> None:
        if name not in known:
            raise Fault(f"there is no metric '{name}': json_add_numeric_metric and its kin add one")


def _shown(value: int | str) -> int | str:
    return value if isinstance(value, int) else python_text(value)


def _text(value: object) -> str:
    # Bytes that are not UTF-8 become escapes of lone surrogates, so that the file is ASCII.
    return bytes_text(json.dumps(value)) + "\n"
