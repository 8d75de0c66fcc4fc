"""The kernel's rules for names of events, groups and arguments.

They are those of the kernel's probe event parser (Documentation/trace/kprobetrace.rst). ktrace checks a name
before it writes it, because the name becomes a path below `events/` and a word in a control file.
"""

import re

from ktrace.errors import UsageError

EVENT_MAX = 63  # some releases take 64; none takes fewer
ARG_MAX = 32

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_GROUP = re.compile(r"[A-Za-z_-][A-Za-z0-9_-]*\Z")

RESERVED_ARGS = frozenset(
    {
        "common_type",
        "common_flags",
        "common_preempt_count",
        "common_pid",
        "common_tgid",
        "__probe_ip",
        "__probe_ret_ip",
        "__probe_func",
    }
)

_GLOB = frozenset("*?[")

# Every group's directory has files of these names, which would hide an event.
_SHADOWED_EVENTS = frozenset({"enable", "filter"})


def check_event(name: str) -> str:
    """Return `name` unchanged, or raise UsageError with the rule that it breaks."""
    if name in _SHADOWED_EVENTS:
        raise UsageError(
            f"an event cannot be called '{name}': its group has a control file of that name",
            hint="choose another with --name",
        )
    return _check("event", name, _IDENTIFIER, EVENT_MAX)


def check_group(name: str) -> str:
    """Return `name` unchanged, or raise UsageError. A `-` is accepted: kernels since 5.15 take it."""
    return _check("group", name, _GROUP, EVENT_MAX)


def check_arg(name: str) -> str:
    """Return `name` unchanged, or raise UsageError with the rule that it breaks."""
    if name in RESERVED_ARGS:
        raise UsageError(
            f"an argument cannot be called '{name}': the kernel uses that name itself",
            hint="write OTHER_NAME=EXPRESSION",
        )
    return _check("argument", name, _IDENTIFIER, ARG_MAX)


def is_identifier(text: str) -> bool:
    """Return whether `text` is a C identifier in ASCII."""
    return _IDENTIFIER.match(text) is not None


def is_glob(text: str) -> bool:
    """Return whether `text` has a shell wildcard."""
    return not _GLOB.isdisjoint(text)


def to_identifier(text: str, limit: int = EVENT_MAX) -> str:
    """Turn `text` into a C identifier of at most `limit` characters.

    >>> to_identifier("ext4_file_read_iter.isra.0")
    'ext4_file_read_iter_isra_0'
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    if not name or name[0].isdigit():
        name = "_" + name
    return name[:limit]


def _check(what: str, name: str, rule: re.Pattern[str], limit: int) -> str:
    if not name:
        raise UsageError(f"the {what} name is empty")
    if len(name) > limit:
        raise UsageError(f"the {what} name '{name}' has {len(name)} characters; the kernel takes {limit}")
    if not rule.match(name):
        raise UsageError(
            f"'{name}' cannot be {'an' if what[0] in 'ae' else 'a'} {what} name",
            hint="letters, digits and _ only, not starting with a digit",
        )
    return name
