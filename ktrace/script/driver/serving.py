"""Serve a script's files and input during its run: connect its handlers to what `script.serving` provides."""

import selectors
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import field, replace
from typing import TYPE_CHECKING, Literal

from ktrace.records import dataclass
from ktrace.script.language.sites import Input, Sampled, Served
from ktrace.script.language.source import STANDARD_INPUT, ScriptError

if TYPE_CHECKING:
    from ktrace.diagnostic import Notify
    from ktrace.script.driver.options import Options
    from ktrace.script.driver.sampling import Sampling
    from ktrace.script.passes.runnable import Handled
    from ktrace.script.runtime.dispatch import Drive
    from ktrace.script.serving.offer import Offer
    from ktrace.script.serving.stdin import StandardInput, Take

_LAGS_MAX = 50  # passes of the loop that a reader waits for, while handlers lag
_HINT = "--procfs DIR serves it as a file, --listen PORT over HTTP on this machine"


@dataclass(slots=True)
class Serving:
    """The files and the input that a script serves. Does nothing for a script that serves nothing.

    Attributes:
        poller: the descriptors to wait for; the data of each is a function that takes the descriptor.
        lags: the number of calls for which the readers have waited.
    """

    drive: "Drive"
    poller: selectors.EpollSelector | None = None
    lags: int = 0
    _sampling: "Sampling | None" = None
    _input: "StandardInput | None" = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def start(self, options: "Options", note: "Notify") -> None:
        """Begin to serve.

        Raises:
            ScriptError: the script serves files, but neither a folder nor a port was given.
            UsageError: the folder or the port cannot be used, or there is nothing to serve.
            Unavailable: the files cannot be mounted.
        """
        from ktrace.errors import UsageError

        bounds = self.drive.compiled.bound
        if any(isinstance(one.site, Sampled) for one in bounds):
            from ktrace.script.driver.sampling import Sampling

            self._sampling = Sampling(self.drive, note)
            self._stack.callback(self._sampling.close)
            self._sampling.start(options)
        served = [one for one in bounds if isinstance(one.site, Served)]
        reading = [one for one in bounds if isinstance(one.site, Input)]
        wanted = [
            word for word, value in (("--procfs", options.procfs), ("--listen", options.listen)) if value
        ]
        if wanted and not served:
            raise UsageError(f"{wanted[0]}: this script serves nothing", hint='probe procfs("PATH").read')
        if options.source:
            for one in (*served, *reading):
                note(f"WARNING: {one.asked} is never called: the script runs on a recording")
            return
        if not (served or reading):
            return
        self.poller = self._stack.enter_context(selectors.EpollSelector())
        if reading:
            self._read_input(reading)
        if served:
            self._check(served, options)
            self._serve(self._offers(served), options, note)

    def __enter__(self) -> "Serving":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def fds(self) -> list[int]:
        """Return a descriptor that is readable when somebody asks; none if nothing is served."""
        return [] if self.poller is None else [self.poller.fileno()]

    @property
    def in_haste(self) -> bool:
        """Return whether there is more to do at once."""
        return self._input is not None and self._input.unread

    def collect(self) -> bool:
        """Take the samples so far, before the events of the same time are handled.

        Return whether there were any.
        """
        return self._sampling is not None and self._sampling.collect()

    def __call__(self, *, lagging: bool = False) -> None:
        """Answer those who ask.

        Args:
            lagging: whether recorded events wait for their handlers. Readers then wait, but not forever.
        """
        if self.poller is None or self.drive.done:
            return
        if lagging and self.lags < _LAGS_MAX:
            self.lags += 1
            return
        self.lags = 0
        if self._input is not None and self._input.unread:
            self._input.ready(self._input.fd)
        for key, _ in self.poller.select(0):
            if not self.drive.done:
                key.data(key.fd)
        self.drive.flush()

    def _check(self, served: "Sequence[Handled]", options: "Options") -> None:
        for one in served:
            assert isinstance(one.site, Served)
            only_reading = options.procfs is None and one.site.does == "write"
            if only_reading or not (options.procfs or options.listen):
                hint = "--procfs DIR serves it as a file" if one.site.does == "write" else _HINT
                assert one.at is not None
                raise ScriptError(f"'{one.point}': where?", one.at, hint=hint)

    def _offers(self, served: "Sequence[Handled]") -> "dict[str, Offer]":
        from ktrace.script.serving.offer import Offer, by_path, mode_of

        grouped: dict[tuple[str, str], list[Handled]] = {}
        for one in served:
            assert isinstance(one.site, Served)
            grouped.setdefault((one.site.path, one.site.does), []).append(one)
        offers = []
        for (path, does), bounds in grouped.items():
            sites = [one.site for one in bounds if isinstance(one.site, Served)]
            mode = 0
            for site in sites:
                mode |= mode_of(site)
            offer = Offer(path, mode)
            if does == "read":
                most = max((site.maxsize or 0 for site in sites), default=0) or None
                offer = replace(offer, read=_Reading(self.drive, bounds, most))
            else:
                offer = replace(offer, write=_Writing(self.drive, bounds))
            offers.append(offer)
        return by_path(offers)

    def _serve(self, offers: "dict[str, Offer]", options: "Options", note: "Notify") -> None:
        assert self.poller is not None
        if options.procfs:
            from ktrace.script.serving.folder import Folder

            time_ns = self.drive.state.host.time_ns()
            self._stack.enter_context(Folder(options.procfs, offers, self.poller, time_ns))
        if options.listen:
            from ktrace.script.serving.http import HttpServer, loopback

            server = HttpServer(offers, loopback(options.listen), self.poller)
            self._stack.enter_context(server)
            note(f"serving {server.url}")

    def _read_input(self, bounds: "Sequence[Handled]") -> None:
        from ktrace.script.serving.stdin import StandardInput

        assert self.poller is not None
        takers: list[tuple[Literal["char", "line"], Take]] = []
        for one in bounds:
            if one.at is not None and one.at.source.name == STANDARD_INPUT:
                raise ScriptError("the script itself is read from standard input", one.at)
            assert isinstance(one.site, Input)
            takers.append((one.site.unit, _Taking(self.drive, one)))
        self._input = self._stack.enter_context(StandardInput(takers, self.poller))


def _called(drive: "Drive", bounds: "Sequence[Handled]", value: str, most: int | None) -> str | None:
    """Run handlers with `$value`, and return it as they leave it.

    Return None if one failed, or if the script is over.
    """
    served, errors = drive.state.served, drive.errors
    if drive.done:
        return None
    drive.count()
    served.value, served.most = value, most
    for one in bounds:
        if not drive.done:
            drive.own_call(one, drive.state.now())
    drive.flush()
    return served.value if drive.errors == errors else None


@dataclass(frozen=True, slots=True)
class _Reading:
    """Makes the text of a file for one reader."""

    drive: "Drive"
    bounds: "Sequence[Handled]"
    most: int | None

    def __call__(self) -> bytes | None:
        most = self.most or self.drive.state.limits.MAXSTRINGLEN - 1
        text = _called(self.drive, self.bounds, "", most)
        return None if text is None else text.encode("latin-1", "replace")


@dataclass(frozen=True, slots=True)
class _Writing:
    """Takes what was written into a file, at most a string's bytes at a time."""

    drive: "Drive"
    bounds: "Sequence[Handled]"

    def __call__(self, data: bytes) -> int:
        text = data.decode("latin-1")[: self.drive.state.limits.MAXSTRINGLEN - 1]
        return 0 if _called(self.drive, self.bounds, text, None) is None else len(text)


@dataclass(frozen=True, slots=True)
class _Taking:
    """Takes a line or a character of the input."""

    drive: "Drive"
    bound: "Handled"

    def __call__(self, text: str) -> None:
        _called(self.drive, [self.bound], text[: self.drive.state.limits.MAXSTRINGLEN - 1], None)
