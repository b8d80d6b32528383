from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.contract import Snapshot
from edge.tui.letters import big_letters
from tests.edge.snapshots import prediction, seconds, snapshot
from tests.edge.tui.screens import Controlled, staged

SIZES = [(60, 18), (100, 30), (160, 48)]
MORE_SIZES = [(80, 24), (99, 29), (200, 60)]
NO_LABEL_YET = snapshot(1.0)
NO_SOUND = snapshot(24.0, audio=False)
UNKNOWN = replace(snapshot(24.0), prediction=prediction(40, "drill", confidence=0.21, unknown=True))
FINISHED = replace(snapshot(24.0), finished=True)
NOTHING_LEFT = replace(snapshot(24.0), prediction=prediction(40, "drill", audio=False, video=False))
NOTHING_LEFT.prediction.probabilities[0] = np.nan  # type: ignore[union-attr]
BARE = Snapshot("x" * 300, 0, ("cut",), None, None, (), (), None, None, snapshot(1.0).telemetry, ("e" * 500,))
ONE_LABEL = replace(
    snapshot(24.0), labels=("cut",), prediction=prediction(40, "cut", confidence=1.0, labels=("cut",)), truth=()
)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("shown", "words"),
    [
        pytest.param(snapshot(24.0), ("running", "0:24.0", "drill", "pour", "egoact", "truth"), id="running"),
        pytest.param(None, ("starting", "waiting for the first label"), id="before the first snapshot"),
        pytest.param(NO_LABEL_YET, ("starting", "waiting for the first label, 30 frames"), id="no prediction"),
        pytest.param(NO_SOUND, ("no sound", "drill"), id="no audio"),
        pytest.param(UNKNOWN, ("21 %", "best guess drill"), id="unknown"),
        pytest.param(FINISHED, ("finished, press q", "drill"), id="finished"),
        pytest.param(NOTHING_LEFT, ("no sound", "no picture", "nothing"), id="neither picture nor sound"),
        pytest.param(BARE, ("starting",), id="bare snapshot with endless texts"),
        pytest.param(ONE_LABEL, ("cut", "100"), id="one label"),
    ],
)
async def test_every_state_at_every_size(size: tuple[int, int], shown: Snapshot | None, words: tuple[str, ...]) -> None:
    async with staged(shown, size) as stage:
        text = stage.text()
        assert [word for word in words if word not in text] == []
        assert max(len(line) for line in text.splitlines()) <= size[0]


@pytest.mark.parametrize("size", MORE_SIZES)
async def test_sizes_in_between(size: tuple[int, int]) -> None:
    async with staged(snapshot(24.0), size) as stage:
        text = stage.text()
        assert [word for word in ("running", "drill", "pour", "truth") if word not in text] == []
        assert max(len(line) for line in text.splitlines()) <= size[0]


async def test_the_current_label_is_big_where_there_is_room_and_plain_where_there_is_not() -> None:
    drawn = big_letters("drill")
    assert drawn is not None
    async with staged(snapshot(24.0), (120, 36)) as stage:
        assert all(row.rstrip() in stage.text() for row in drawn)
    async with staged(snapshot(24.0), (60, 18)) as stage:
        assert drawn[0].rstrip() not in stage.text()
        assert "\n drill" in stage.text()


async def test_it_shows_each_new_snapshot() -> None:
    async with staged(None) as stage:
        assert "starting" in stage.text()
        await stage.show(snapshot(24.0))
        assert "0:24.0" in stage.text()
        await stage.show(replace(snapshot(30.0), prediction=prediction(50, "knead")))
        assert "0:30.0" in stage.text()
        assert "knead" in stage.text()


async def test_space_pauses_the_display_and_goes_on() -> None:
    async with staged(snapshot(24.0)) as stage:
        await stage.pilot.press("space")
        await stage.show(snapshot(30.0))
        assert "display paused" in stage.text()
        assert "0:24.0" in stage.text()
        await stage.pilot.press("space")
        await stage.pilot.pause(0.25)
        assert "0:30.0" in stage.text()
        assert stage.stops == []


@pytest.mark.parametrize("state", ["paused", "busy"])
async def test_the_end_of_the_run_is_noticed_while_nothing_is_drawn(state: str) -> None:
    async with staged(snapshot(24.0)) as stage:
        if state == "paused":
            await stage.pilot.press("space")
        else:
            stage.app.link_busy = lambda: True
        stage.on_look = stage.app.exit
        await stage.pilot.pause(0.5)
        assert not stage.app.is_running


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_quitting_stops_the_run_and_ends_the_app(key: str) -> None:
    async with staged(snapshot(24.0)) as stage:
        await stage.pilot.press(key)
        await stage.pilot.pause()
        assert stage.stops == [None]
        assert not stage.app.is_running
        assert stage.app.return_code == 0


@pytest.mark.parametrize(("size", "at_first"), [((120, 36), True), ((80, 24), False)])
async def test_p_switches_the_preview(size: tuple[int, int], at_first: bool) -> None:
    async with staged(snapshot(24.0), size) as stage:
        shown = []
        for _ in range(3):
            shown.append("▀▀▀▀▀▀▀▀▀▀" in stage.text())
            await stage.pilot.press("p")
            await stage.pilot.pause(0.3)
        assert shown == [at_first, not at_first, at_first]


async def test_question_mark_shows_and_hides_the_help() -> None:
    async with staged(snapshot(24.0), (60, 18)) as stage:
        shown = []
        for _ in range(3):
            shown.append("pause the display" in stage.text())
            await stage.pilot.press("question_mark")
            await stage.pilot.pause()
        assert shown == [False, True, False]


async def test_the_footer_names_every_key() -> None:
    async with staged(snapshot(24.0), (60, 18), controls=Controlled(), flag=lambda: None) as stage:
        footer = stage.text().splitlines()[-1]
        assert [word for word in ("q quit", "space pause", "v video", "a audio", "? help") if word not in footer] == []


async def test_finished_waits_for_q_or_ends_by_itself() -> None:
    async with staged(snapshot(24.0)) as stage:
        await stage.show(FINISHED)
        assert "finished, press q" in stage.text()
        assert stage.app.is_running
    async with staged(snapshot(24.0), exit_when_finished=True) as stage:
        await stage.show(FINISHED)
        assert not stage.app.is_running
        assert stage.stops == []


async def test_the_layout_follows_the_terminal() -> None:
    async with staged(snapshot(24.0), (120, 36)) as stage:
        boxed = []
        for size in ((120, 36), (80, 24), (99, 60), (160, 48)):
            await stage.pilot.resize_terminal(*size)
            await stage.pilot.pause(0.2)
            boxed.append("telemetry" in stage.text())
        assert boxed == [True, False, False, True]


async def test_the_truth_row_comes_with_an_annotation() -> None:
    async with staged(snapshot(24.0, annotated=False)) as stage:
        assert "truth" not in stage.text()
        await stage.show(snapshot(24.5))
        assert "truth" in stage.text()


async def test_escape_sequences_and_markup_in_names_are_shown_as_text() -> None:
    nasty = replace(
        snapshot(24.0),
        title="a\x1b[2J[red]b",
        events=("[bold]x[/bold] \x07 y",),
        closed_segments=(seconds(20, 24, "[b]\x1b"),),
        open_segment=None,
    )
    async with staged(nasty, (160, 48)) as stage:
        text = stage.text()
        assert "a\\x1b[2J[red]b" in text
        assert "[bold]x[/bold] \\x07 y" in text
        assert "[b]\\x1b" in text
