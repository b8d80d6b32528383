"""A picture of the terminal view, for documentation and for tests."""

from __future__ import annotations

import asyncio

from edge.contract import Snapshot
from edge.tui.app import EgoactApp
from edge.tui.svg import standalone


def screenshot(snapshot: Snapshot, size: tuple[int, int] = (160, 48)) -> str:
    """SVG text of the view at `size` (columns, rows) showing `snapshot`.

    Runs its own event loop: call it from ordinary code, not from a coroutine.
    """
    return asyncio.run(_screenshot(snapshot, size))


async def _screenshot(snapshot: Snapshot, size: tuple[int, int]) -> str:
    app = EgoactApp(lambda: snapshot, lambda: None)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        svg = app.export_screenshot(title="egoact", simplify=True)
    return standalone(svg)
