"""Translate the values in a filter from what a person reads to the numbers that the kernel records.

    dport == 53 && daddr == 10.0.0.1      ret == ENOENT      flags & O_CREAT

A filter stays in the kernel's grammar; only values of fields with a meaning are replaced. The kernel has a
number as the machine stored it, so that of a `__be16` is 13568 for port 53.
"""

import re
from collections.abc import Mapping

from ktrace.errors import UsageError
from ktrace.model.meaning import Names, meaning_of_names

_TOKEN = re.compile(
    r"""(?P<quoted>"[^"]*"|'[^']*')
      | (?P<field>[A-Za-z_]\w*)(?P<blank>\s*)(?P<op>==|!=|<=|>=|<|>|&(?!&))(?P<gap>\s*)
        (?P<value>\([\w\s|]+\)|[^\s()&!=<>~"'{}]+)""",
    re.VERBOSE,
)


def translate_filter(expression: str, names: Mapping[str, Names], *, with_texts: bool = False) -> str:
    """Return the filter with the kernel's numbers in place of the values that a person reads.

    Args:
        names: by field, how its values read.
        with_texts: quote the values of arrays, such as IPv6 addresses, which are then compared as texts.
            The kernel cannot compare them.

    Raises:
        UsageError: a value is not one of its field; the caret shows which.
    """
    if not names:
        return expression

    def replaced(match: re.Match[str]) -> str:
        field = match["field"]
        found = names.get(field) if field else None
        if not found:
            return match[0]
        meaning, value, op = meaning_of_names(found), match["value"], match["op"]
        if op in ("<", "<=", ">", ">=") and not meaning.has_order:
            raise UsageError(
                f"{op} does not compare {field}: the kernel compares its bytes in the wrong order",
                excerpt=expression,
                caret=match.start("op"),
                hint="== != & compare it; other comparisons: `ktrace trace --json` with jq",
            )
        if with_texts and meaning.takes_all and op in ("==", "!="):
            return f'{field}{match["blank"]}{op}{match["gap"]}"{meaning.canonical(value)}"'
        try:
            number = meaning.number(value.strip("() "))
        except ValueError as error:
            raise UsageError(
                f"'{value}' is not a value of {field}",
                excerpt=expression,
                caret=match.start("value"),
                hint=str(error),
            ) from None
        before = f"{field}{match['blank']}{op}{match['gap']}"
        if meaning.kind == "error" and not value.lstrip("-").isdigit() and op in ("==", "!="):
            # Of these it is not known whether they are stored as negative numbers.
            return f"({before}{number} {'||' if op == '==' else '&&'} {before}{-number})"
        return f"{before}{number}"

    return _TOKEN.sub(replaced, expression)
