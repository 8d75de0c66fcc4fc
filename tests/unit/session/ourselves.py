"""Stand-ins for what a session knows about ktrace's own process, and about muted events."""

import os
from collections.abc import Mapping, Sequence
from typing import ClassVar

from ktrace.host.host import Host
from ktrace.host.local import LocalHost


class Ourselves:
    """A session in the machine's own pid namespace, whose events are not muted."""

    debug = None
    host: ClassVar[Host] = LocalHost()
    used: ClassVar[Mapping[str, None]] = {}

    def own_ids(self) -> Sequence[int]:
        return [os.getpid()]

    def id_of(self, command) -> int:
        return command.pid

    def only_command(self, command) -> None:
        self.only_tasks([command.pid], children=True)
