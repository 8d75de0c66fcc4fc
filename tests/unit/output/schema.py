"""Holds records against docs/schema: as much of JSON Schema as that file uses."""

import json
from pathlib import Path

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/schema/ktrace-1.schema.json").read_text())


def fits(value, schema):
    """The part of JSON Schema that the schema file uses."""
    types = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "null": type(None),
        "boolean": bool,
    }
    for key, want in schema.items():
        match key:
            case "$ref":
                good = fits(value, SCHEMA["$defs"][want.rpartition("/")[2]])
            case "type":
                names = [want] if isinstance(want, str) else want
                good = any(type(value) is types[name] for name in names)
            case "const":
                good = value == want and type(value) is type(want)
            case "enum":
                good = value in want
            case "minimum":
                good = not isinstance(value, int) or value >= want
            case "required":
                good = all(name in value for name in want)
            case "properties":
                good = all(fits(value[name], sub) for name, sub in want.items() if name in value)
            case "additionalProperties":
                others = [v for name, v in value.items() if name not in schema.get("properties", {})]
                good = not others if want is False else all(fits(v, want) for v in others)
            case "dependentRequired":
                good = all(n in value for name, needs in want.items() if name in value for n in needs)
            case "items":
                good = not isinstance(value, list) or all(fits(item, want) for item in value)
            case "oneOf":
                good = sum(fits(value, sub) for sub in want) == 1
            case "not":
                good = not fits(value, want)
            case "anyOf":
                good = any(fits(value, sub) for sub in want)
            case "description" | "title" | "$schema" | "$id" | "$defs":
                good = True
            case _:
                raise AssertionError(f"the schema uses {key}, which this check does not know")
        if not good:
            return False
    return True
