"""A gallery of made-up snapshots behind a web door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pytest

from edge.contract import Snapshot
from edge.serve.address import WebAddress
from edge.serve.door import WebDoor
from edge.serve.gallery import Gallery
from tests.edge.snapshots import snapshot


@dataclass
class Served:
    """What is shown, and what was asked."""

    shown: Snapshot
    asked: list[object] = field(default_factory=list)
    url: str = ""


@contextmanager
def served(shown: Snapshot, address: WebAddress) -> Iterator[Served]:
    state = Served(shown)
    with (
        closing(Gallery(lambda: state.shown, state.asked.append)) as gallery,
        closing(WebDoor(address, gallery.path)) as door,
    ):
        state.url = door.url
        yield state


TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture(scope="module")
def local() -> Iterator[Served]:
    """A view on the loopback, without a token."""
    with served(snapshot(24.0), WebAddress("127.0.0.1", 0, "")) as state:
        yield state


@pytest.fixture(scope="module")
def guarded() -> Iterator[Served]:
    """A view that wants TOKEN."""
    with served(snapshot(24.0), WebAddress("127.0.0.1", 0, TOKEN)) as state:
        yield state
