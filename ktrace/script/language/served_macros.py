"""Predefined macros for what a script serves: metrics as Prometheus and Performance Co-Pilot read them."""

KEYS_MAX = 8

SERVED_MACROS: dict[str, tuple[str, tuple[str, ...]]] = {
    "json_output_data_start": ("__ktrace_json_start()", ()),
    "json_output_string_value": ("__ktrace_json_text(@name, @value)", ("name", "value")),
    "json_output_numeric_value": ("__ktrace_json_number(@name, @value)", ("name", "value")),
    "json_output_array_string_value": (
        "__ktrace_json_element_text(@array, @index, @name, @value)",
        ("array", "index", "name", "value"),
    ),
    "json_output_array_numeric_value": (
        "__ktrace_json_element_number(@array, @index, @name, @value)",
        ("array", "index", "name", "value"),
    ),
    "json_output_data_end": ("$value = __ktrace_json_data()", ()),
}
"""The text and the parameters of each macro."""


def _dump(count: int) -> tuple[str, tuple[str, ...]]:
    """Return the macro that prints an array with this number of keys, one metric for each element."""
    keys = [f"__key{count}_{i}" for i in range(1, count + 1)]
    labels = ", ".join(f"__ktrace_label(@label{i}, sprint({key}))" for i, key in enumerate(keys, 1))
    commas = ",".join(["%s"] * count)
    element = ", ".join(keys)
    text = (
        f"foreach ([{element}] in @array) "
        f'$value .= sprintf("%s{{{commas}}} %d\\n", @name, {labels}, @array[{element}])'
    )
    return text, ("array", "name", *(f"label{i}" for i in range(1, count + 1)))


SERVED_MACROS |= {f"prometheus_dump_array{count}": _dump(count) for count in range(1, KEYS_MAX + 1)}
