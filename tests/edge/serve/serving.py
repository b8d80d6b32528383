"""A gallery of made-up snapshots behind a web door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from edge.contract import Snapshot
from edge.serve.address import WebAddress
from edge.serve.door import WebDoor
from edge.serve.gallery import Gallery


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
