"""Reads what an app shows, as a person would: the text of the whole screen, line by line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from xml.etree import ElementTree

from textual.pilot import Pilot

from edge.contract import Modality, Snapshot
from edge.tui.app import Controls, EgoactApp, Steering

CELL_PX = 12.2
"""Width of a cell in exported pictures."""


def svg_text(svg: str) -> str:
    """Text of an exported screen: one line a row, every piece at its column (for letters of one cell each)."""
    rows: dict[float, str] = defaultdict(str)
    for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        text = (element.text or "").replace("\xa0", " ").rstrip("\n")
        if element.get("clip-path") and text:
            y, column = float(element.get("y", "")), round(float(element.get("x", "")) / CELL_PX)
            rows[y] = rows[y].ljust(column)[:column] + text
    return "\n".join(rows[y] for y in sorted(rows))


class Controlled:
    """Keeps what keys asked for."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def mask(self, modalities: frozenset[Modality]) -> None:
        self.asked.append(modalities)

    def set_threshold(self, on: float) -> None:
        self.asked.append(on)


class Steered(Controlled):
    """Keeps what was asked of a recorded clip."""

    def pause(self) -> None:
        self.asked.append("pause")

    def seek(self, seconds: float) -> None:
        self.asked.append(("seek", seconds))

    def go_to(self, position_ns: int) -> None:
        self.asked.append(("go to", position_ns))

    def change_speed(self, factor: float) -> None:
        self.asked.append(("speed", factor))

    def next_disagreement(self, direction: int) -> None:
        self.asked.append(("error", direction))


@dataclass
class Stage:
    """A running app and what the test feeds it."""

    pilot: Pilot[None]
    feed: list[Snapshot | None]
    stops: list[None] = field(default_factory=list)
    on_look: Callable[[], None] = lambda: None
    """Called whenever the app asks for a snapshot."""

    @property
    def app(self) -> EgoactApp:
        assert isinstance(self.pilot.app, EgoactApp)
        return self.pilot.app

    async def show(self, snapshot: Snapshot | None) -> None:
        """Let the app take this snapshot (a tick is 0.1 s)."""
        self.feed.append(snapshot)
        await self.pilot.pause(0.25)

    def text(self) -> str:
        return svg_text(self.app.export_screenshot())


@asynccontextmanager
async def staged(
    snapshot: Snapshot | None,
    size: tuple[int, int] = (120, 36),
    *,
    controls: Controls | None = None,
    transport: Steering | None = None,
    flag: Callable[[], None] | None = None,
    exit_when_finished: bool = False,
) -> AsyncIterator[Stage]:
    """An app that shows the newest snapshot of its stage's feed."""
    feed: list[Snapshot | None] = [snapshot]
    stops: list[None] = []
    stage: Stage | None = None

    def latest() -> Snapshot | None:
        if stage is not None:
            stage.on_look()
        return feed[-1]

    app = EgoactApp(
        latest,
        lambda: stops.append(None),
        controls=controls,
        transport=transport,
        flag=flag,
        exit_when_finished=exit_when_finished,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        stage = Stage(pilot, feed, stops)
        yield stage
