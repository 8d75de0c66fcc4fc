"""Run one mutant: what came of it."""

import traceback
import warnings
from dataclasses import dataclass

from tests.fuzz.limits import start_clock, stop_clock
from tests.fuzz.target import Target


@dataclass(frozen=True)
class Finding:
    """A result that must not happen.

    Attributes:
        key: the same for findings that have the same cause, as far as one can tell.
        text: all that is known.
    """

    key: str
    text: str


def outcome(target: Target, data: bytes) -> Finding | None:
    """Run a mutant in this process. None: it was read, or refused as it should be."""
    start_clock()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # NumPy's: nobody is to see them
            target.run(data)
    except target.allowed:
        return None
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # Polars' panics are not subclasses of Exception
        return _of_error(target, error)
    finally:
        stop_clock()
    return None


def _of_error(target: Target, error: BaseException) -> Finding:
    frames = traceback.extract_tb(error.__traceback__, limit=-60)
    own = [f for f in frames if "/ktrace/" in f.filename and "/tests/" not in f.filename] or frames
    where = f"{own[-1].filename.rpartition('/ktrace/')[2]}:{own[-1].lineno}" if own else "?"
    text = "".join(traceback.format_exception(error, limit=-12))
    return Finding(f"{target.name}: {type(error).__name__} at {where}", text[-6000:])
