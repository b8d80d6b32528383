"""Who gets in: by token, host and origin; over real sockets."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import aiohttp
import pytest

from edge.errors import EgoactError
from edge.serve.address import WebAddress
from tests.edge.serve.serving import TOKEN, Served, guarded, local, served
from tests.edge.snapshots import snapshot

__all__ = ["guarded", "local"]  # fixtures


def origin(url: str) -> str:
    return f"http://{urlsplit(url).netloc}"


async def status(url: str, path: str = "/", headers: dict[str, str] | None = None) -> int:
    async with aiohttp.ClientSession() as session, session.get(origin(url) + path, headers=headers) as answer:
        return answer.status


async def websocket(url: str, headers: dict[str, str]) -> int:
    """Status of the handshake: 101 when it is open."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(f"{origin(url)}/ws?width=80&height=24", headers=headers):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


async def test_this_machine_gets_in(local: Served) -> None:
    assert await status(local.url) == 200
    assert await status(local.url, "/static/js/textual.js") == 200
    assert await websocket(local.url, {"Origin": origin(local.url)}) == 101


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1"])
async def test_another_name_for_this_machine_does_not(local: Served, host: str) -> None:
    assert await status(local.url, headers={"Host": host}) == 403


@pytest.mark.parametrize("asking", ["http://evil.example", "null", "http://127.0.0.1:1", ""])
async def test_pages_of_others_do_not(local: Served, asking: str) -> None:
    assert await status(local.url, headers={"Origin": asking}) == 403
    assert await websocket(local.url, {"Origin": asking}) == 403


async def test_a_websocket_must_say_who_asks(local: Served) -> None:
    assert await websocket(local.url, {}) == 403


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/textual.js", "/download/x", "/nothing"])
async def test_nothing_without_the_token(guarded: Served, path: str) -> None:
    assert await status(guarded.url, path) == 403
    assert await status(guarded.url, f"{path}?token=wrong") == 403
    assert await status(guarded.url, f"{path}?token=") == 403
    assert await status(guarded.url, path, {"Cookie": "egoact=wrong"}) == 403


async def test_the_token_becomes_a_cookie_that_no_script_and_no_other_site_has(guarded: Served) -> None:
    async with aiohttp.ClientSession() as session, session.get(guarded.url, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        assert {"HttpOnly", "SameSite=Strict"} <= set(answer.headers["Set-Cookie"].split("; "))
    headers = {"Cookie": f"egoact={TOKEN}", "Origin": origin(guarded.url)}
    assert await status(guarded.url, "/", headers) == 200
    assert await websocket(guarded.url, headers) == 101
    assert await websocket(guarded.url, {**headers, "Origin": "http://evil.example"}) == 403


async def test_the_page_may_load_nothing_from_elsewhere(local: Served) -> None:
    async with aiohttp.ClientSession() as session, session.get(local.url) as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    sources = {word for rule in policy.split(";") for word in rule.split()[1:]}
    netloc = urlsplit(local.url).netloc
    assert sources == {"'self'", "'unsafe-inline'", "data:", f"ws://{netloc}", f"wss://{netloc}", "'none'"}


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shown = served(snapshot(1.0), WebAddress("127.0.0.1", port, ""))
        with pytest.raises(EgoactError, match=f"127.0.0.1:{port}.*name another"), shown:
            pytest.fail("must not get here")
