from __future__ import annotations

import pytest

from edge.errors import UsageError
from edge.serve.address import WebAddress


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000),
        ("localhost", "localhost", 8000),
        (":9000", "127.0.0.1", 9000),
        ("[::1]:80", "::1", 80),
        ("[::1]", "::1", 8000),
    ],
)
def test_the_loopback_needs_no_token(text: str, host: str, port: int) -> None:
    assert WebAddress.parse(text) == (host, port, "")


@pytest.mark.parametrize("text", ["0.0.0.0:8000", "192.168.1.5", "[::]:8000", "rig.local:80"])
def test_elsewhere_a_token_is_made_anew(text: str) -> None:
    first, second = WebAddress.parse(text), WebAddress.parse(text)
    assert len(first.token) >= 20
    assert first.token != second.token
    assert first.url(first.port).endswith(f":{first.port}/?token={first.token}")


@pytest.mark.parametrize("text", ["host:", "host:x", "host:65536", "host:-1", "host:８０"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not HOST:PORT"):
        WebAddress.parse(text)


def test_ipv6_is_bracketed_in_the_url() -> None:
    assert WebAddress.parse("[::1]:0").url(81) == "http://[::1]:81/"
