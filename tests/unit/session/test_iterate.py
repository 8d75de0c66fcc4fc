from types import SimpleNamespace

import pytest

from ktrace.errors import UsageError
from ktrace.session.iterate import batches


@pytest.mark.parametrize(
    ("closed", "streams", "message"),
    [(True, False, "not open"), (False, True, "streams already"), (True, True, "not open")],
)
def test_a_loop_that_begins_too_late(closed, streams, message):
    """Made in time, its first step comes when the session is closed, or while another loop runs."""
    session = SimpleNamespace(closed=closed, streams=streams)
    stream = batches(session, command="no-such-program", duration_s=None, count=None)
    with pytest.raises(UsageError, match=message):
        next(stream)
