"""A picture of the terminal view, for documentation and for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from edge.contract import Snapshot
from edge.tui.app import Controls, EgoactApp, Steering
from edge.tui.svg import standalone


def screenshot(
    snapshot: Snapshot,
    size: tuple[int, int] = (160, 48),
    *,
    controls: Controls | None = None,
    transport: Steering | None = None,
    flag: Callable[[], None] | None = None,
) -> str:
    """SVG text of the view at `size` (columns, rows) showing `snapshot`, with the keys that the rest gives.

    Runs its own event loop: call it from ordinary code, not from a coroutine.
    """
    app = EgoactApp(lambda: snapshot, lambda: None, controls=controls, transport=transport, flag=flag)
    return asyncio.run(_screenshot(app, size))


async def _screenshot(app: EgoactApp, size: tuple[int, int]) -> str:
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        svg = app.export_screenshot(title="egoact", simplify=True)
    return standalone(svg)
