"""A process that cannot reach any other."""

from __future__ import annotations

import socket
from typing import Any

import pytest


def cut_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every attempt to look up or to reach an address fails, and is noted in the list that is returned."""
    attempts: list[str] = []

    def refuse(*where: Any, **_: Any) -> None:
        attempts.append(repr(where[-2:]))
        raise OSError("Network is unreachable")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return attempts
