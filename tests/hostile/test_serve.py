"""The browser view against raw sockets: other hosts and origins, paths out of it, absurd and endless requests."""

from __future__ import annotations

import secrets
import socket
from urllib.parse import urlsplit

import pytest

from tests.edge.serve.serving import TOKEN, Served, guarded, local

__all__ = ["guarded", "local"]  # fixtures
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n"
)
_PATIENCE_S = 2


def place(state: Served) -> str:
    return urlsplit(state.url).netloc


def ask(state: Served, request: bytes | str, most_bytes: int = 1 << 20) -> bytes:
    """What the server answers to raw bytes, until it hangs up or says no more."""
    host, _, port = place(state).rpartition(":")
    with socket.create_connection((host, int(port)), timeout=_PATIENCE_S) as end:
        end.settimeout(_PATIENCE_S)
        answer = b""
        try:
            end.sendall(request if isinstance(request, bytes) else request.encode("latin-1"))
            while len(answer) < most_bytes and (part := end.recv(65536)):
                answer += part
        except (ConnectionError, TimeoutError):
            pass
        return answer


def get(state: Served, target: str, host: str | None = None, more: str = "") -> bytes:
    return ask(state, f"GET {target} HTTP/1.1\r\nHost: {host or place(state)}\r\n{more}Connection: close\r\n\r\n")


def status(answer: bytes) -> int:
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.") else 0


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil.example@127.0.0.1",
            "127.0.0.1@evil",
        ),
        *("2130706433", "0x7f000001", "0.0.0.0", "[::ffff:10.0.0.1]", "192.168.0.1", " ", "127.0.0.1; script-src *"),
        *("127.0.0.1:80 evil", "127.0.0.1:x", "127.0.0.1:8000,evil.example", "\xff"),
    ],
)
def test_a_name_that_somebody_points_here_gets_nothing(local: Served, host: str) -> None:
    answer = get(local, "/", host)
    assert status(answer) in (400, 403)
    assert b"evil" not in answer
    assert b"script-src *" not in answer


def test_a_request_without_a_host_or_with_two(local: Served) -> None:
    assert status(ask(local, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n")) in (400, 403)
    two = f"Host: {place(local)}\r\nHost: evil.example\r\n"
    assert b"evil.example" not in ask(local, f"GET / HTTP/1.1\r\n{two}Connection: close\r\n\r\n")


@pytest.mark.parametrize("asking", ["http://evil.example", "null", "file://", "http://127.0.0.1", "https://evil\x00"])
def test_a_websocket_of_another_page(local: Served, guarded: Served, asking: str) -> None:
    for state in (local, guarded):
        answer = ask(
            state,
            f"GET /ws?width=80&height=24 HTTP/1.1\r\nHost: {place(state)}\r\n{UPGRADE}"
            f"Cookie: egoact={TOKEN}\r\nOrigin: {asking}\r\n\r\n",
            most_bytes=12,  # the status: a refused connection stays open for the next request
        )
        assert status(answer) in (400, 403)


@pytest.mark.parametrize(
    "target",
    [
        *("/static/../../../../etc/passwd", "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/static//etc/passwd"),
        *("/static/..%2f..%2f..%2fetc%2fpasswd", "/static/js/..%5c..%5cserver.py", "/static/%00", "/static/js/"),
        *("/download/../../etc/passwd", "/download/%2e%2e", "//etc/passwd", "/../etc/passwd", "http://evil.example/"),
    ],
)
def test_no_path_leads_out(local: Served, target: str) -> None:
    answer = get(local, target)
    assert b"root:" not in answer
    assert status(answer) in (400, 403, 404, 405) or target == "http://evil.example/"
    assert b"evil.example" not in answer


@pytest.mark.parametrize("size", ["width=100000&height=24", "width=80&height=-1", "width=1e3", "width=&height=9"])
def test_a_terminal_of_absurd_size(local: Served, size: str) -> None:
    assert status(get(local, f"/ws?{size}", more=UPGRADE + f"Origin: http://{place(local)}\r\n")) == 400


def test_requests_without_end_are_cut(local: Served) -> None:
    for request in (
        "GET /" + "a" * 100_000 + f" HTTP/1.1\r\nHost: {place(local)}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: {place(local)}\r\nX: " + "a" * 100_000 + "\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: {place(local)}\r\n" + "".join(f"X{n}: a\r\n" for n in range(40_000)) + "\r\n",
        f"GET / HTTP/1.1\r\nHost: {place(local)}\r\nCookie: " + "a=b;" * 30_000 + "\r\n\r\n",
    ):
        assert status(ask(local, request)) in (0, 400, 413, 414, 431)
    body = f"POST / HTTP/1.1\r\nHost: {place(local)}\r\nContent-Length: 1000000000000\r\n\r\n"
    assert status(ask(local, body + "x" * 1000)) in (400, 403, 405, 413)
    assert status(get(local, "/")) == 200, "and it still serves"


@pytest.mark.parametrize(
    "request_", [b"\0" * 5000, b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9\r\n"]
)  # fmt: skip
def test_what_is_no_request(local: Served, request_: bytes) -> None:
    assert status(ask(local, request_)) in (0, 400, 403, 405, 505)
    assert status(get(local, "/")) == 200


def test_methods_that_change_nothing_here(local: Served) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT"):
        answer = ask(local, f"{method} / HTTP/1.1\r\nHost: {place(local)}\r\nConnection: close\r\n\r\n")
        assert status(answer) in (0, 400, 403, 404, 405)


@pytest.mark.parametrize("given", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\xff\xfe", "%ED%A0%80", "%00"])
def test_a_token_that_is_nearly_right(guarded: Served, given: str) -> None:
    assert status(get(guarded, "/", more=f"Cookie: egoact={given}\r\n")) in (400, 403)
    if given.isascii():
        assert status(get(guarded, f"/?token={given}")) in (400, 403)


def test_tokens_are_compared_in_constant_time(guarded: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    real = secrets.compare_digest
    monkeypatch.setattr("secrets.compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    get(guarded, "/?token=wrong")
    assert compared == [(b"wrong", TOKEN.encode())]
