"""HTTP on loopback: which addresses, which requests, and what they get."""

import selectors
import socket

import pytest

from ktrace.errors import KtraceError, UsageError
from ktrace.script.serving.http import HttpServer, answer, loopback
from ktrace.script.serving.offer import Offer

OFFERS = {
    "__prometheus": Offer("__prometheus", 0o400, read=lambda: b"n 1\n"),
    "data.json": Offer("data.json", 0o400, read=lambda: b"{}\n"),
    "a b": Offer("a b", 0o400, read=lambda: b"space\n"),
    "broken": Offer("broken", 0o400, read=lambda: None),
    "only-written": Offer("only-written", 0o200, write=len),
}


def ask(line: str, *headers: str) -> tuple[str, bytes]:
    head, _, body = answer("\r\n".join((line, *headers, "", "")).encode(), OFFERS).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head or line.startswith("HEAD")
    return head.decode().split(" ")[1], body


@pytest.mark.parametrize(
    ("target", "status", "body"),
    [
        ("/metrics", "200", b"n 1\n"),
        ("/__prometheus?x=1", "200", b"n 1\n"),
        ("/data.json", "200", b"{}\n"),
        ("/a%20b", "200", b"space\n"),
        ("/", "200", b"/a b\n/broken\n/data.json\n/metrics\n"),
        ("/broken", "503", b"the script failed, or has ended\n"),
        ("/only-written", "404", b"/ lists what is served\n"),
        ("/../etc/passwd", "404", b"/ lists what is served\n"),
    ],
)
def test_pages(target: str, status: str, body: bytes) -> None:
    assert ask(f"GET {target} HTTP/1.1", "Host: localhost:9090") == (status, body)
    assert ask(f"HEAD {target} HTTP/1.1", "Host: localhost")[1] == b""


@pytest.mark.parametrize(
    ("line", "headers", "status"),
    [
        ("POST /metrics HTTP/1.1", (), "405"),
        ("GET /metrics", (), "400"),
        ("GET /metrics HTTP/1.1", ("Host: example.com",), "403"),
        ("GET /metrics HTTP/1.1", ("Host: 192.0.2.1:9090",), "403"),
        ("GET /metrics HTTP/1.1", ("Host: localhost", "Origin: http://example.com"), "403"),
        ("GET /metrics HTTP/1.1", ("Host: [::1]:9090",), "200"),
        ("GET /metrics HTTP/1.1", ("Host: 127.0.0.1",), "200"),
    ],
)
def test_requests_from_elsewhere_are_refused(line: str, headers: tuple[str, ...], status: str) -> None:
    assert ask(line, *headers)[0] == status


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9090", ("127.0.0.1", 9090)),
        ("localhost:1", ("127.0.0.1", 1)),
        ("127.0.0.2:80", ("127.0.0.2", 80)),
        ("[::1]:80", ("::1", 80)),
        (":80", ("127.0.0.1", 80)),
    ],
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    assert loopback(text) == expected


@pytest.mark.parametrize("text", ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "name:80", "x", "70000", ""])
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--listen"):
        loopback(text)


def test_a_slow_client_keeps_nobody_waiting_and_a_long_request_is_refused() -> None:
    with selectors.DefaultSelector() as poller, HttpServer(OFFERS, ("127.0.0.1", 0), poller) as server:
        port = int(server.url.rstrip("/").rpartition(":")[2])
        slow, quick, long = (socket.create_connection(("127.0.0.1", port)) for _ in range(3))
        slow.send(b"GET / HT")
        quick.send(b"GET /metrics HTTP/1.0\r\n\r\n")
        long.send(b"GET /" + b"x" * 9000)
        found = {quick: b"", long: b""}
        for _ in range(50):
            for key, _mask in poller.select(0.02):
                key.data(key.fd)
        for one in found:
            one.settimeout(5)
            found[one] = one.recv(1 << 16)
        assert found[quick].endswith(b"n 1\n") and b" 431 " in found[long]
        for one in (slow, quick, long):
            one.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.socket() as other, selectors.DefaultSelector() as poller:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(KtraceError, match="in use"), HttpServer({}, other.getsockname(), poller):
            pass
