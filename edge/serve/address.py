"""Where a browser finds the view, and the token that it needs from elsewhere."""

from __future__ import annotations

import ipaddress
import secrets
from typing import NamedTuple

from edge.errors import UsageError

DEFAULT = "127.0.0.1:8000"


class WebAddress(NamedTuple):
    """Host and port to listen on; `token` is empty on the loopback."""

    host: str
    port: int
    token: str

    @classmethod
    def parse(cls, text: str) -> WebAddress:
        """HOST:PORT, HOST, :PORT or [IPv6]:PORT; a new token unless it is the loopback.

        Raises:
            UsageError: it is none of them.
        """
        host, colon, port_text = text.rpartition(":")
        if not colon or text.endswith("]"):
            host, port_text = text, DEFAULT.rpartition(":")[2]
        host = host.strip("[]") or DEFAULT.rpartition(":")[0]
        if not port_text.isascii() or not port_text.isdigit() or int(port_text) > 65_535:
            raise UsageError(f"--serve {text}: not HOST:PORT, such as {DEFAULT} or 0.0.0.0:8000")
        return cls(host, int(port_text), "" if is_loopback(host) else secrets.token_urlsafe(16))

    def url(self, port: int) -> str:
        """What to open, with the token; `port` is the one that was bound."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}/" + (f"?token={self.token}" if self.token else "")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
