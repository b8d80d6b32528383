"""Keys and the mouse in a recorded clip; live they do not exist."""

from __future__ import annotations

import sys
from dataclasses import replace

from textual.widgets import Footer

from edge.contract import NS_PER_S
from edge.playback import Disagreement, Playback
from tests.edge.snapshots import snapshot
from tests.edge.tui.screens import Controlled, Steered, staged

S = NS_PER_S
FOLLOWED = replace(snapshot(24.0), threshold=0.5)
WRONG = Disagreement(23 * S, 25 * S, 24 * S, "cut", "mix")
STEERED = replace(
    FOLLOWED, playback=Playback(24 * S, 40 * S, 60 * S, 2.0, paused=False, waiting="", disagreements=(WRONG,))
)


async def test_every_key_of_a_recorded_clip() -> None:
    asked = Steered()
    async with staged(FOLLOWED, transport=asked) as stage:
        keys = ("space", "left", "right", "shift+left", "shift+right", "home", "end")
        await stage.pilot.press(*keys, "left_square_bracket", "right_square_bracket", "n", "N")
    assert asked.asked == [
        "pause",
        ("seek", -5),
        ("seek", 5),
        ("seek", -30),
        ("seek", 30),
        ("go to", 0),
        ("go to", sys.maxsize),
        ("speed", 0.5),
        ("speed", 2.0),
        ("error", 1),
        ("error", -1),
    ]


async def test_without_an_annotation_there_are_no_errors_to_go_to() -> None:
    asked = Steered()
    async with staged(replace(FOLLOWED, truth=()), (160, 48), transport=asked) as stage:
        await stage.pilot.press("n", "N")
        assert "next error" not in stage.text()
        assert "faster" in stage.text()
    assert asked.asked == []


async def test_a_live_run_offers_none_of_it() -> None:
    async with staged(FOLLOWED, (160, 48), controls=Controlled()) as stage:
        await stage.pilot.press("left", "n", "left_square_bracket")
        await stage.pilot.press("space")
        await stage.pilot.pause(0.2)
        text = stage.text()
        assert "faster" not in text
        assert "next error" not in text
        assert "display paused" in text


async def test_what_was_computed_before_cannot_be_muted_any_more() -> None:
    asked = Steered()
    async with staged(FOLLOWED, (160, 48), controls=asked, transport=asked) as stage:
        assert "video" in stage.text().splitlines()[-1]
        await stage.show(STEERED)
        assert "video" not in stage.text().splitlines()[-1]
        await stage.pilot.press("v", "plus")
    assert asked.asked == []


async def test_the_state_is_in_the_header() -> None:
    playback = STEERED.playback
    assert playback is not None
    async with staged(STEERED, (160, 48), transport=Steered()) as stage:
        assert "playing 2x, said mix, annotated cut" in stage.text()
        await stage.show(replace(STEERED, playback=playback._replace(paused=True, position_ns=30 * S)))
        assert "paused, 1 error so far" in stage.text()
        await stage.show(replace(STEERED, playback=playback._replace(waiting="computing", position_ns=30 * S)))
        assert "computing" in stage.text()
        await stage.show(replace(STEERED, playback=playback._replace(speed=1.0, position_ns=60 * S)))
        assert "at the end" in stage.text()


async def test_a_click_on_the_timeline_goes_there() -> None:
    asked = Steered()
    async with staged(FOLLOWED, (120, 36), transport=asked) as stage:
        rows = stage.text().splitlines()
        y = next(index for index, row in enumerate(rows) if "egoact " in row and index > 3)
        axis = rows[y - 1]
        x = axis.index("╵0:10")
        await stage.pilot.click(offset=(x, y))
        await stage.pilot.click(offset=(3, y))
    assert len(asked.asked) == 1, "beside the rows nothing is meant"
    (wish,) = asked.asked
    assert isinstance(wish, tuple)
    assert wish[0] == "go to"
    assert abs(wish[1] - 10 * S) < S


async def test_the_footer_has_the_keys_of_a_recorded_clip() -> None:
    asked = Steered()
    async with staged(FOLLOWED, (160, 48), transport=asked) as stage:
        await stage.pilot.pause(0.5)
        footer = stage.text().splitlines()[-1]
        await stage.pilot.click(Footer, offset=(footer.index("faster") + 1, 0))
    assert asked.asked == [("speed", 2.0)]
