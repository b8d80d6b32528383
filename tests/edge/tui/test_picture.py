from __future__ import annotations

import re

from edge.tui.picture import screenshot
from tests.edge.snapshots import snapshot
from tests.edge.tui.screens import svg_text


def test_a_picture_shows_the_view_and_loads_nothing_from_elsewhere() -> None:
    svg = screenshot(snapshot(24.0), (120, 36))
    text = svg_text(svg)
    assert "telemetry" in text
    assert "drill" in text
    assert "@font-face" not in svg
    assert set(re.findall(r"https?://[^\"'\s)]+", svg)) <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
    assert not re.search(r">&#160;", svg), "leading spaces are shifts, because some viewers drop them"
