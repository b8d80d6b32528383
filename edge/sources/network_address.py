"""Addresses of network cameras: which are meant as such, and how they are shown without their secrets."""

from __future__ import annotations

import re

from edge.text import printable

SCHEMES = ("rtsp", "rtsps", "http", "https", "udp", "tcp")

_ADDRESS = re.compile(r"\b((?:rtsps?|rtspt|rtmps?|https?|udp|tcp|srt|ftp):/{1,3})([^\s'\"!]+)", re.IGNORECASE)
"""With one slash too: `Path` makes one of two."""
_PROPERTY = re.compile(r"\b((?:user|proxy)-(?:id|pw)\s*=\s*)(\"[^\"]*\"|\S+)", re.IGNORECASE)
"""Of GStreamer's rtspsrc and souphttpsrc."""


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
    return printable(_kept(f"{scheme}://", rest))


def without_secrets(text: str) -> str:
    """Any text with the secrets of the addresses in it masked: for lines whose making nobody controls."""
    text = _PROPERTY.sub(r"\1***", text)
    return _ADDRESS.sub(lambda found: _kept(found[1], found[2]), text)


def _kept(scheme: str, rest: str) -> str:
    user, at, place = rest.rpartition("@")
    if any(mark in user for mark in "/?#"):
        return f"{scheme}***"  # a password with such a letter, or a path with "@": it cannot be told which
    place, query, _ = place.partition("?")
    return f"{scheme}{'***@' if at else ''}{place}{'?***' if query else ''}"
