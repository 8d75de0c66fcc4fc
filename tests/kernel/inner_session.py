"""The session inside `ktrace.Session`, for tests of what lies below the public interface."""

import os

from ktrace.probes.define import Defined
from ktrace.resolve.resolve import want
from ktrace.resolve.spec import ProbeOptions, relocator
from ktrace.session import session


class InnerSession(session.Session):
    """A session that defines a probe from words."""

    def add(self, place: str, *args: str, at_return: bool = False, name: str | None = None) -> Defined:
        defaults = ProbeOptions(self.name, name, at_return, machine=os.uname().machine)
        (wanted,) = want([place, *args], defaults, self.kernel)
        return self.add_probe(wanted.probe, relocator([wanted]))
