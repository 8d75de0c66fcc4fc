"""Fetch debug info from the servers in DEBUGINFOD_URLS: GET URL/buildid/ID/debuginfo (debuginfod(8)).

A file stays in the user's cache folder. It never goes stale, because its name is its build-id.
"""

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from ktrace.errors import Damaged
from ktrace.model.miss import Miss
from ktrace.storage.cache import create_beside, open_cached
from ktrace.symbols.elf import Elf

if TYPE_CHECKING:
    from http.client import HTTPResponse

Watch: TypeAlias = Callable[[int, int], None]
"""Is told how many bytes of a download have come, and how many there are; 0 if that is not known."""

_CONNECT_S = 10.0  # for each response of the server; a slow download may take longer
_PATIENCE_S, _SLOWEST = 60, 10_000  # after the first minute, the least bytes per second
_BLOCK = 1 << 20
_MOST = 8 << 30  # bytes; a kernel's debug info has up to 1 or 2 GB


def servers(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the URLs in DEBUGINFOD_URLS; empty if it is not set."""
    urls = environ.get("DEBUGINFOD_URLS", "").split()
    return tuple(url.rstrip("/") for url in urls if url.startswith(("http://", "https://")))


def fetch(
    build_id: str,
    urls: Sequence[str],
    folder: Path | None,
    timeout_s: float = _CONNECT_S,
    watch: Watch = lambda _done, _size: None,
) -> Path | Miss:
    """Return the debug info file of a build-id, from the cache or the first server that has it.

    Args:
        watch: is told from time to time how many bytes have come, and how many there are; 0 if not known.
    """
    source = f"debuginfod ({' '.join(urls)})"
    if not urls:
        return Miss("debuginfod", "DEBUGINFOD_URLS is not set")
    if folder is None:
        return Miss(source, "there is no cache folder to keep a file in")
    target = folder / f"debuginfo-{build_id}"
    file = open_cached(target)
    if file is not None:
        file.close()
        return target
    reasons = []
    for url in urls:
        problem = _download(f"{url}/buildid/{build_id}/debuginfo", target, build_id, timeout_s, watch)
        if problem is None:
            return target
        reasons.append(problem)
    return Miss(source, "; ".join(dict.fromkeys(reasons)))


def _download(url: str, target: Path, build_id: str, timeout_s: float, watch: Watch) -> str | None:
    """Fetch one file. Returns the reason of a failure, or None."""
    from http.client import HTTPException  # noqa: PLC0415 -- http takes 50 ms to load
    from urllib.error import HTTPError, URLError  # noqa: PLC0415 -- the same
    from urllib.request import Request, urlopen  # noqa: PLC0415 -- the same

    temporary = target.with_name(f"{target.name}.{os.getpid()}")
    request = Request(url, headers={"User-Agent": "ktrace"})
    try:
        with urlopen(request, timeout=timeout_s) as answer:
            file, _ = create_beside(target)
            with file:
                problem = _copy(answer, file, watch)
        if problem is None and Elf.open(temporary).build_id() != build_id:
            problem = "the server sent a file with another build-id"
        if problem is None:
            temporary.replace(target)
        return problem
    except HTTPError as error:
        error.close()
        return "it has nothing for this build-id" if error.code == 404 else f"HTTP status {error.code}"
    except URLError as error:
        return f"no answer: {error.reason}"
    except Damaged as error:
        return f"the server sent no usable file ({error.message})"
    except (OSError, ValueError, HTTPException) as error:  # a broken connection, a full disk
        return f"the download failed: {error}"
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _copy(answer: "HTTPResponse", file: BinaryIO, watch: Watch) -> str | None:
    length = answer.headers.get("Content-Length")
    size, started = 0, time.monotonic()
    while block := answer.read1(_BLOCK):
        size += len(block)
        if size > _MOST:
            return "the file does not end"
        # A server that only sends a byte now and then would block us forever.
        elapsed_s = time.monotonic() - started
        if elapsed_s > _PATIENCE_S and size < elapsed_s * _SLOWEST:
            return "the server is too slow"
        file.write(block)
        watch(size, int(length) if length and length.isdigit() else 0)
    if length and length.isdigit() and size != int(length):
        return f"the download broke off after {size} of {length} bytes"
    return None
