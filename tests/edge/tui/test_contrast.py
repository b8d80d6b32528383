"""Every letter, bar and frame of every theme on real screens, against what lies below it (WCAG 2.1, level AA)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from textual.theme import Theme

from edge.palette import label_colour
from edge.tui.ink import on_light
from edge.tui.themes import DAY, THEMES
from tests.edge.test_palette import LABELS, contrast
from tests.edge.tui.screens import CELL_PX, Controlled, staged
from tests.edge.tui.test_golden import CLIP, LIVE, PLAYED, STATES

SVG = "{http://www.w3.org/2000/svg}"
TEXT, GRAPHICS = 4.5, 3.0
SCREENS = {
    "live": (LIVE, ()),
    "devices": (LIVE, ("d",)),
    "engines": (LIVE, ("e",)),
    "help": (LIVE, ("question_mark",)),
    "clip": (replace(CLIP, playback=PLAYED), ()),
    **{name: (STATES[name], ()) for name in ("no_microphone", "unknown", "error")},
}


def drawn(svg: str) -> Iterator[tuple[str, str, str]]:
    """(text, its colour, the colour below its first letter) of an exported screen."""
    styles = dict(re.findall(r"\.(\S+-r\d+)\s*\{\s*(.*?)\s*\}", svg))
    root = ElementTree.fromstring(svg)
    grounds = [
        (*(float(rect.get(name, "")) for name in ("x", "y", "width", "height")), rect.get("fill", ""))
        for rect in root.iter(f"{SVG}rect")
        if rect.get("fill", "").startswith("#") and rect.get("x")
    ]
    for element in root.iter(f"{SVG}text"):
        text = (element.text or "").replace("\xa0", " ")
        if not element.get("clip-path") or not text.strip():
            continue
        x = float(element.get("x", "")) + (len(text) - len(text.lstrip()) + 0.25) * CELL_PX
        y = float(element.get("y", "")) - 6
        below = [fill for left, top, w, h, fill in grounds if left <= x < left + w and top <= y < top + h]  # type: ignore[operator]
        ink = re.search("fill: (#[0-9a-f]{6})", styles[element.get("class", "")])
        assert ink, text
        assert below, text
        yield text.strip(), ink[1], str(below[-1])


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES])
async def test_everything_that_is_drawn_can_be_read(theme: str) -> None:
    seen: dict[tuple[str, str], str] = {}
    async with staged(LIVE, (120, 36), controls=Controlled(), flag=lambda: None) as stage:
        await stage.pilot.press("p")  # the preview is a picture
        while stage.app.theme != theme:
            await stage.pilot.press("t")
        for shown, keys in SCREENS.values():
            await stage.pilot.press(*keys)
            await stage.show(shown)
            for text, ink, ground in drawn(stage.app.export_screenshot()):
                kept = seen.setdefault((ink, ground), text)
                if not re.search(r"\w", kept) and re.search(r"\w", text):
                    seen[ink, ground] = text  # letters ask for more than what is drawn with blocks
            await stage.pilot.press("l")
    words = {pair: text for pair, text in seen.items() if re.search(r"\w", text)}
    blocks = {pair: text for pair, text in seen.items() if pair not in words and re.search("[▀-▟]", text)}
    assert len(words) > 8
    assert len(blocks) > 5
    assert {text: contrast(*pair) for pair, text in words.items() if contrast(*pair) < TEXT} == {}
    assert {text: contrast(*pair) for pair, text in blocks.items() if contrast(*pair) < GRAPHICS} == {}


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_colours_of_words(theme: Theme) -> None:
    """Also those that no screen above happens to show."""
    grounds = [str(theme.background), str(theme.panel)]
    inks = {name: getattr(theme, name) for name in ("foreground", "success", "warning", "error", "accent")}
    inks |= {name: theme.variables[name] for name in ("soft", "strong")}
    pale = {n: contrast(ink, ground) for n, ink in inks.items() for ground in grounds if contrast(ink, ground) < TEXT}
    assert pale == {}


def test_sixty_labels_are_letters_on_paper_and_keep_apart() -> None:
    inks = [on_light(f"bold {label_colour(label, LABELS)}") for label in LABELS]
    assert all(ink.startswith("bold #") for ink in inks)
    grounds = (str(DAY.background), DAY.variables["track"])
    assert min(contrast(ink[5:], ground) for ink in inks for ground in grounds) >= TEXT
    assert len(set(inks)) == 60


def test_what_has_a_name_or_is_dark_stays() -> None:
    assert on_light("bold $soft") == "bold $soft"
    assert on_light("#101418 on #ffb991") == "#101418 on #ffb991"
    assert on_light("#ffb991 on $track").endswith(" on $track")
