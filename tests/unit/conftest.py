"""Fixtures of all unit tests."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from ktrace.session.signals import STOPPING

# No test asserts a time: on a busy machine one example may take seconds.
settings.register_profile("ktrace", deadline=None)
settings.load_profile("ktrace")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what ktrace caches in a folder of the tests: no test depends on what an earlier run left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def same_handlers() -> Iterator[None]:
    """Handle signals after each test as before: commands whose work stays ignore them at their end."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
