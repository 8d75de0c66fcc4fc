"""Serve what a script offers over HTTP/1.1 (RFC 9112), on loopback and for reading only.

    GET /               the names of what is served, one a line
    GET /metrics        the prometheus probe
    GET /PATH           procfs("PATH").read

Each connection is one request. Requests from other web pages are refused: a browser on this machine sends
them with a `Host` that is not loopback, or with an `Origin`.
"""

import selectors
import socket
import time
from collections.abc import Mapping
from dataclasses import field
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import unquote

from ktrace.errors import KtraceError, UsageError
from ktrace.records import dataclass
from ktrace.script.serving.offer import Offer

_HEAD_MAX = 8192  # bytes of a request
_CLIENTS_MAX = 32
_PATIENCE_S = 10.0
_PIECE = 1 << 16
PROMETHEUS = "__prometheus"
_HINT = "--listen 9090, --listen 127.0.0.1:9090, --listen [::1]:9090; port 0 takes a free one"


def loopback(text: str) -> tuple[str, int]:
    """Return the address and port of `--listen`. Raises UsageError if it is not on loopback."""
    host, colon, port = text.rpartition(":")
    host = (host.removeprefix("[").removesuffix("]") if colon else "") or "127.0.0.1"
    host = "127.0.0.1" if host == "localhost" else host
    if not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise UsageError(f"--listen {text}: '{port}' is not a port", hint=_HINT)
    try:
        inside = ip_address(host).is_loopback
    except ValueError:
        raise UsageError(f"--listen {text}: '{host}' is not an address", hint=_HINT) from None
    if not inside:
        raise UsageError(
            f"--listen {text}: {host} is not on loopback, and what a script serves is for this machine only",
            hint=f"{_HINT}; ssh -L brings the port to another machine",
        )
    return host, int(port)


@dataclass(slots=True, eq=False)
class _Client:
    """A connection: the request as far as it was received, and the response as far as it is not sent."""

    socket: socket.socket
    since: float
    request: bytes = b""
    response: memoryview | None = None


@dataclass(slots=True)
class HttpServer:
    """Answers requests whenever `ready` is called for a descriptor; never waits.

    Args:
        offers: what is served, by path.
        address: host and port, from `loopback`.
        poller: gets the descriptors to wait for, with `ready` as their data.
    """

    offers: Mapping[str, Offer]
    address: tuple[str, int]
    poller: selectors.BaseSelector
    _socket: socket.socket = field(init=False)
    _clients: dict[int, _Client] = field(default_factory=dict)

    def __enter__(self) -> "HttpServer":
        """Listen. Raises KtraceError if the port is not free."""
        family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(self.address)
            self._socket.listen(_CLIENTS_MAX)
        except OSError as error:
            self._socket.close()
            raise KtraceError(
                f"--listen {self.address[0]}:{self.address[1]} failed: {error.strerror}",
                hint="--listen 0 takes a free port",
            ) from None
        self.poller.register(self._socket, selectors.EVENT_READ, self.ready)
        return self

    def __exit__(self, *_: object) -> None:
        for client in list(self._clients.values()):
            self._close(client)
        self.poller.unregister(self._socket)
        self._socket.close()

    @property
    def url(self) -> str:
        """Return where it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def ready(self, fd: int) -> None:
        """Accept a connection, or read, answer and write one."""
        if fd == self._socket.fileno():
            self._accept()
        elif fd in self._clients:
            client = self._clients[fd]
            try:
                if client.response is None:
                    self._receive(client)
                else:
                    self._send(client)
            except OSError:
                self._close(client)

    def _accept(self) -> None:
        now = time.monotonic()
        for client in list(self._clients.values()):
            if now - client.since > _PATIENCE_S:
                self._close(client)
        try:
            made, _ = self._socket.accept()
        except OSError:
            return
        if len(self._clients) >= _CLIENTS_MAX:
            made.close()
            return
        made.setblocking(False)
        self._clients[made.fileno()] = _Client(made, now)
        self.poller.register(made, selectors.EVENT_READ, self.ready)

    def _receive(self, client: _Client) -> None:
        try:
            piece = client.socket.recv(_HEAD_MAX)
        except BlockingIOError:
            return
        client.request += piece
        if b"\r\n\r\n" not in client.request and b"\n\n" not in client.request:
            if not piece:
                self._close(client)
            elif len(client.request) > _HEAD_MAX:
                self._respond(client, _response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
            return
        self._respond(client, answer(client.request, self.offers))

    def _respond(self, client: _Client, response: bytes) -> None:
        client.response = memoryview(response)
        self.poller.modify(client.socket, selectors.EVENT_WRITE, self.ready)
        self._send(client)

    def _send(self, client: _Client) -> None:
        assert client.response is not None
        while client.response:
            try:
                sent = client.socket.send(client.response[:_PIECE], socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return
            client.response = client.response[sent:]
        client.socket.shutdown(socket.SHUT_WR)
        self._close(client)

    def _close(self, client: _Client) -> None:
        del self._clients[client.socket.fileno()]
        self.poller.unregister(client.socket)
        client.socket.close()


def answer(request: bytes, offers: Mapping[str, Offer]) -> bytes:
    """Return the response to a request, head and body."""
    first, *lines = request.decode("latin-1").replace("\r\n", "\n").partition("\n\n")[0].split("\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return _response(HTTPStatus.BAD_REQUEST)
    headers = {
        key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
    if "origin" in headers or not _is_here(headers.get("host", "localhost")):
        return _response(HTTPStatus.FORBIDDEN, b"only for this machine\n")
    method, target, _ = words
    if method not in ("GET", "HEAD"):
        return _response(HTTPStatus.METHOD_NOT_ALLOWED, b"only for reading\n", "Allow: GET, HEAD\r\n")
    path = unquote(target.partition("?")[0], "latin-1").removeprefix("/")
    return _page(path, offers, whole=method == "GET")


def _page(path: str, offers: Mapping[str, Offer], *, whole: bool) -> bytes:
    names = {"metrics" if name == PROMETHEUS else name: one for name, one in offers.items() if one.read}
    if not path:
        listed = "".join(f"/{name}\n" for name in sorted(names))
        return _response(HTTPStatus.OK, listed.encode("latin-1", "replace"), whole=whole)
    found = names.get(path) or offers.get(path)
    if found is None or found.read is None:
        return _response(HTTPStatus.NOT_FOUND, b"/ lists what is served\n", whole=whole)
    body = found.read()
    if body is None:
        return _response(HTTPStatus.SERVICE_UNAVAILABLE, b"the script failed, or has ended\n", whole=whole)
    kind = "application/json" if path.endswith(".json") else "text/plain; version=0.0.4"
    return _response(HTTPStatus.OK, body, kind=kind, whole=whole)


def _is_here(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    name = name.removeprefix("[").removesuffix("]")
    try:
        return name.lower() == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _response(
    status: HTTPStatus, body: bytes = b"", more: str = "", *, kind: str = "text/plain", whole: bool = True
) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\n"
        f"X-Content-Type-Options: nosniff\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (body if whole else b"")
