"""`ktrace config`."""

import json
import os
from typing import Annotated

from ktrace.cli.run_options import JSON


def config(as_json: Annotated[bool, JSON] = False) -> int:
    """Show the settings that are in force, and where each comes from.

    They are read from /etc/ktrace/config.toml, ~/.config/ktrace/config.toml, the file of KTRACE_CONFIG, and
    variables such as KTRACE_TRACE_CLOCK; the later ones win, and the command line wins over all. A file:

    \b
      color = "never"
      [trace]
      json = true
      buffer-size = "4M"
      [alias]
      forks = "trace do_fork"

    \b
    Examples:
      ktrace config
      KTRACE_TRACE_CLOCK=boot ktrace config
    """
    from ktrace.cli.config import KNOWN, read
    from ktrace.cli.parser import parser_of
    from ktrace.cli.registry import find
    from ktrace.diagnostic import note
    from ktrace.errors import UsageError
    from ktrace.output.terminal.table import render_table, terminal_width

    config = read(os.environ, find)
    found = [one for one in config.settings.values() if one.section or one.name in KNOWN]
    for command in {name: find(one.section) for one in found if (name := one.section)}.values():
        if command is not None:
            try:
                config.defaults(command.name, parser_of(command).params)
            except UsageError as error:
                note(error.message, hint=error.hint)
    if as_json:
        for one in found:
            record = {
                "schema": 1,
                "type": "setting",
                "key": one.key,
                "value": one.value,
                "origin": one.origin,
            }
            print(json.dumps(record))
        return 0
    if not found:
        note("nothing is set: every option has the default of its --help")
        return 0
    rows = [[one.key, json.dumps(one.value, ensure_ascii=False), one.origin] for one in found]
    print(render_table(("SETTING", "VALUE", "FROM"), rows, width=terminal_width()), end="")
    return 0
