"""Prints histograms as the kernel does, from rows: the other half of the parser's test."""

from ktrace.aggregate.hist import HITCOUNT, Term
from ktrace.model.tally import Key, Range, Symbol, Syscall, Task


def padded(text: str, width: int) -> str:
    return text + " " * (width - len(text.encode("utf-8", "surrogateescape")))


def key_text(term: Term, key: Key) -> str:
    match key:
        case tuple():
            return f"{term.field}:\n" + "".join(f"         {frame}\n" for frame in key)
        case Symbol():
            width = 55 if term.modifier == "sym-offset" else 45
            return f"{term.field}: [{key.address:x}] {padded(key.name, width)}"
        case Task():
            return f"{term.field}: {padded(key.comm, 16)}[{key.pid:10}]"
        case Syscall():
            return f"{term.field}: {padded(key.name, 30)}[{key.number:3}]"
        case Range(low, high):
            if term.modifier == "log2":
                return f"{term.field}: ~ 2^{padded(str((high or 1).bit_length() - 1), 2)}"
            return f"{term.field}: ~ {low}-{high}"
        case int() if term.modifier == "hex":
            return f"{term.field}: {key:x}"
        case int():
            return f"{term.field}: {key:10}"
        case str():
            return f"{term.field}: {padded(key, 50)}"


def value_text(value: Term, number: int) -> str:
    match value.modifier:
        case "percent":
            return f" {value.field} (%): {number % 100:3}.00"
        case "graph":
            return f" {value.field}: " + "#" * (number % 21) + " " * (20 - number % 21)
        case "hex":
            return f" {value.field}: {number:10x}"
        case _:
            return f" {value.field}: {number:10}"


def write_hist(
    keys: list[Term], values: list[Term], rows: list[tuple[list[Key], list[int]]], dropped: int = 0
) -> str:
    """One histogram; each row has a number for each value."""
    spelled = ",".join(v.to_text() for v in values)
    info = "hist:keys=" + ",".join(k.to_text() for k in keys) + f":vals={spelled}:sort=hitcount:size=2048"
    if not any(v.field == HITCOUNT for v in values):
        info += ":nohitcount"
    out = f"# event histogram\n#\n# trigger info: {info} [active]\n#\n\n"
    for key, numbers in rows:
        out += "{ " + ", ".join(map(key_text, keys, key))
        out += "}" if isinstance(key[-1], tuple) else " }"
        for i, (value, number) in enumerate(zip(values, numbers, strict=True)):
            gap = "" if i == 0 and value.field == HITCOUNT else " "
            out += gap + value_text(value, number)
        out += "\n"
    hits = sum(numbers[0] for _, numbers in rows)
    return out + f"\nTotals:\n    Hits: {hits}\n    Entries: {len(rows)}\n    Dropped: {dropped}\n"
