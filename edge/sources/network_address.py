"""Addresses of network cameras: which are meant as such, and how they are shown without their secrets."""

from __future__ import annotations

from edge.text import printable

SCHEMES = ("rtsp", "rtsps", "http", "https", "udp", "tcp")


def is_network(address: str) -> bool:
    """Whether the address is one of a network camera."""
    return scheme_of(address) in SCHEMES


def scheme_of(address: str) -> str:
    """'rtsp' of 'rtsp://...'; '' where there is none."""
    scheme, separator, _ = address.partition("://")
    return scheme.lower() if separator else ""


def masked(address: str) -> str:
    """The address without user, password and query (cameras take passwords there too), safe to print and to store."""
    scheme, _, rest = address.partition("://")
    user, at, place = rest.rpartition("@")
    if any(mark in user for mark in "/?#"):
        return printable(
            f"{scheme}://***"
        )  # a password with such a letter, or a path with "@": it cannot be told which
    place, query, _ = place.partition("?")
    return printable(f"{scheme}://{'***@' if at else ''}{place}{'?***' if query else ''}")
