"""Every key, and the mouse on the footer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Footer

from edge.tui.themes import THEMES
from tests.edge.snapshots import snapshot
from tests.edge.tui.screens import Controlled, Stage, staged

LIVE = replace(snapshot(24.0), threshold=0.5)


async def page_after(stage: Stage, *keys: str) -> str:
    """The page that is shown, by a word that only it has."""
    await stage.pilot.press(*keys)
    await stage.pilot.pause(0.2)
    text = stage.text()
    words = {"live": "audio alone ─", "devices": "a recorded clip", "engines": "segments open at", "help": "next theme"}
    (page,) = [page for page, word in words.items() if word in text]
    return page


async def test_pages() -> None:
    async with staged(LIVE, (120, 36)) as stage:
        assert await page_after(stage) == "live"
        assert await page_after(stage, "d") == "devices"
        assert await page_after(stage, "e") == "engines"
        assert await page_after(stage, "question_mark") == "help"
        assert await page_after(stage, "l") == "live"
        for key in ("d", "e", "question_mark"):
            assert await page_after(stage, key) != "live"
            assert await page_after(stage, key) == "live", "its own key leads back"
        assert await page_after(stage, "e", "escape") == "live"


async def test_a_page_that_was_hidden_shows_the_newest_snapshot() -> None:
    async with staged(LIVE, (120, 36)) as stage:
        await stage.pilot.press("e")
        await stage.show(replace(LIVE, threshold=0.7))
        assert "open at 70 %" in stage.text()


async def test_the_help_scrolls_on_a_small_terminal() -> None:
    async with staged(LIVE, (60, 14)) as stage:
        await stage.pilot.press("question_mark")
        await stage.pilot.pause(0.2)
        assert "likely enough" not in stage.text()
        await stage.pilot.press("end")
        await stage.pilot.pause(1.0)
        assert "likely enough" in stage.text()


async def test_flag() -> None:
    flags: list[None] = []
    async with staged(LIVE, flag=lambda: flags.append(None)) as stage:
        await stage.pilot.press("f")
    assert flags == [None]


async def test_muting_twice_gives_it_back() -> None:
    asked = Controlled()
    async with staged(LIVE, controls=asked) as stage:
        await stage.pilot.press("v")
        await stage.show(replace(LIVE, masked=frozenset({"video"})))
        await stage.pilot.press("v", "a")
    assert asked.asked == [{"video"}, set(), {"video", "audio"}]


async def test_the_threshold_stays_within_its_bounds() -> None:
    asked = Controlled()
    async with staged(replace(LIVE, threshold=0.93), controls=asked) as stage:
        await stage.pilot.press("plus", "equals_sign")
        await stage.show(replace(LIVE, threshold=0.12))
        await stage.pilot.press("minus")
    assert asked.asked == [0.95, 0.95, 0.1]


async def test_t_goes_through_the_themes() -> None:
    async with staged(LIVE) as stage:
        seen = []
        for _ in range(len(THEMES) + 1):
            seen.append(stage.app.theme)
            await stage.pilot.press("t")
        assert seen == [*(theme.name for theme in THEMES), THEMES[0].name]


async def test_s_saves_a_picture_of_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with staged(LIVE) as stage:
        await stage.pilot.press("s")
        await stage.pilot.pause(1.0)
        (file,) = tmp_path.iterdir()
        assert f"picture saved: {file.name}" in stage.text()
    svg = file.read_text(encoding="utf-8")
    assert "drill" in svg
    assert "@font-face" not in svg


async def test_a_picture_that_cannot_be_saved_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    async with staged(LIVE) as stage:
        monkeypatch.setattr("edge.tui.app.os.getcwd", lambda: str(tmp_path / "file" / "below"))
        (tmp_path / "file").touch()
        await stage.pilot.press("s")
        await stage.pilot.pause(1.0)
        assert stage.app.is_running
        assert "picture not saved" in stage.text()


async def test_the_mouse_presses_keys_of_the_footer() -> None:
    asked = Controlled()
    async with staged(LIVE, controls=asked, flag=lambda: None) as stage:
        await stage.pilot.pause(0.5)
        footer = stage.text().splitlines()[-1]
        await stage.pilot.click(Footer, offset=(footer.index("v video") + 2, 0))
        await stage.pilot.click(Footer, offset=(footer.index("d devices") + 2, 0))
        await stage.pilot.pause(0.3)
        assert "a recorded clip" in stage.text()
    assert asked.asked == [{"video"}]


async def test_a_busy_link_gets_nothing_new_and_loses_its_preview() -> None:
    async with staged(LIVE) as stage:
        busy = True
        stage.app.link_busy = lambda: busy
        await stage.show(replace(snapshot(30.0)))
        assert "0:24.0" in stage.text()
        assert "▀▀▀▀▀▀▀▀▀▀" in stage.text()
        await stage.pilot.pause(3.0)
        assert "slow link: preview is off" in stage.text()
        assert "▀▀▀▀▀▀▀▀▀▀" not in stage.text()
        busy = False
        await stage.pilot.pause(0.3)
        assert "0:30.0" in stage.text()
