"""The view in a real browser: the label changes, keys work, nothing is loaded from elsewhere, strangers stay out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.live.messages import Flag, Mask, Threshold
from edge.serve.address import WebAddress
from tests.edge.serve.browser import CHROMIUM, opened
from tests.edge.serve.serving import Served, served
from tests.edge.snapshots import prediction, snapshot

TOKEN = "a-token-that-nobody-guesses"
LIVE = replace(snapshot(24.0), threshold=0.5)


@pytest.fixture
def view() -> Iterator[Served]:
    with served(LIVE, WebAddress("127.0.0.1", 0, TOKEN)) as state:
        yield state


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")


@needs_chromium
async def test_in_a_browser(view: Served, tmp_path: Path) -> None:
    async with opened(tmp_path / "profile") as page:
        await page.call("Page.navigate", url=view.url)
        await page.until(lambda p: "0:24.0" in p.drawn)
        await page.click(600, 300)
        before = await page.picture()
        view.shown = replace(
            LIVE, stream_ns=31_000_000_000, prediction=prediction(50, "größe", labels=("größe",)), labels=("größe",)
        )
        await page.until(lambda p: "größe" in p.drawn)
        await asyncio.sleep(0.5)
        assert await page.picture() != before
        for key in ("v", "+", "f"):
            await page.press(key)
        await page.until(lambda p: len(view.asked) == 3)
        assert view.asked == [Mask(frozenset({"video"})), Threshold(0.55), Flag()]
        await page.press("e")
        await page.until(lambda p: "segments open at" in p.drawn)
        elsewhere = [url for url in page.requests if not url.startswith((view.url.split("?")[0], "data:"))]
        assert [url for url in elsewhere if "fonts.googleapis" not in url] == [], (
            "the web font is asked for and refused"
        )
        await page.call("Page.navigate", url=view.url.replace(TOKEN, "wrong"))
        for _ in range(100):
            told = await page.call("Runtime.evaluate", expression="document.body.innerText")
            if told["result"]["value"].startswith("egoact:"):
                break
            await asyncio.sleep(0.1)
        assert "token is missing or wrong" in told["result"]["value"]
