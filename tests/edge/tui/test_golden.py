"""Every page at three sizes and every state, as exported to SVG: letters and colours against what was approved.

EGOACT_WRITE_GOLDEN=1 writes them anew; look at the pictures before you commit them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.contract import Recording, Snapshot
from edge.playback import Disagreement, Playback
from edge.sensor_status import SensorStatus
from edge.spectrum import bands_db
from edge.tui.app import Controls, Steering
from tests.edge.snapshots import prediction, snapshot
from tests.edge.tui.cells import described
from tests.edge.tui.screens import Controlled, Steered, staged

GOLDEN = Path(__file__).parent / "golden"
SIZES = ((60, 18), (100, 30), (160, 48))
CAMERA = SensorStatus(
    "video",
    "HD Cam",
    "running",
    format="MJPG 1280x720 @ 30 Hz",
    delivered=720,
    lost=3,
    rate_hz=29.97,
    age_ms=(4, 9, 21),
)
MICROPHONE = SensorStatus(
    "audio", "USB Mic", "running", format="48000 Hz, 1 channel", delivered=1_152_240, rate_hz=48_010, drift_ppm=12.4
)
TONE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(1600) / 16_000)).astype(np.float32)
_RUN = snapshot(24.0)
LIVE = replace(
    _RUN,
    title="live: cam and mic",
    sensors=(CAMERA, MICROPHONE),
    threshold=0.5,
    truth=(),
    sound_bands_db=bands_db(TONE, 16_000),
    telemetry=replace(_RUN.telemetry, heat=("cpu", 61.0, 95.0), power_w=7.3),
)
LOST_CAMERA = replace(CAMERA, state="lost", reason="unplugged")
LOST_MICROPHONE = replace(MICROPHONE, state="lost", reason="unplugged")
STATES = {
    "starting": replace(
        LIVE,
        prediction=None,
        open_segment=None,
        closed_segments=(),
        preview=None,
        sensors=(CAMERA, replace(MICROPHONE, state="starting", reason="opening")),
    ),
    "no_microphone": replace(
        LIVE,
        sensors=(CAMERA, LOST_MICROPHONE),
        prediction=prediction(40, "drill", audio=False),
        sound_level_db=None,
        sound_bands_db=(),
    ),
    "camera_lost": replace(LIVE, sensors=(LOST_CAMERA, MICROPHONE), prediction=prediction(40, "drill", video=False)),
    "too_hot": replace(
        LIVE,
        telemetry=replace(
            LIVE.telemetry, heat=("cpu", 91.0, 95.0), hop_factor=2, hop_reason="cpu is at 91 °C, it throttles at 95 °C"
        ),
    ),
    "unknown": replace(LIVE, prediction=prediction(40, "drill", confidence=0.21, unknown=True)),
    "muted": replace(LIVE, masked=frozenset({"video"}), prediction=prediction(40, "drill", video=False)),
    "error": replace(LIVE, problem="inference has hung for 20 s and was killed; start egoact live again"),
    "recording": replace(LIVE, recording=Recording(writing=True, dropped=0)),
}
WORDS = {
    "starting": ("starting", "microphone starting: opening"),
    "no_microphone": ("no microphone", "none, microphone lost: unplugged"),
    "camera_lost": ("no camera", "camera lost unplugged"),
    "too_hot": ("too hot: hop x2",),
    "unknown": ("best guess drill",),
    "muted": ("video muted", "kept from the model"),
    "error": ("● error", "inference has hung for 20 s"),
    "recording": ("REC",),
}


async def described_screen(
    shown: Snapshot,
    size: tuple[int, int],
    *keys: str,
    controls: Controls | None = None,
    transport: Steering | None = None,
) -> str:
    """Of a recorded clip with `transport`, else of a live run."""
    flag = None if transport is not None else lambda: None
    async with staged(shown, size, controls=controls or Controlled(), transport=transport, flag=flag) as stage:
        if size[0] >= 100:
            await stage.pilot.press("p")  # a picture has too many colours to be read here; it has its own tests
        await stage.pilot.press(*keys)
        await stage.pilot.pause(0.3)
        return described(stage.app.export_screenshot(title="egoact"))


def approved(name: str, text: str) -> str:
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("EGOACT_WRITE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("page", "keys"), [("live", ()), ("devices", ("d",)), ("engines", ("e",)), ("help", ("question_mark",))]
)
async def test_every_page(size: tuple[int, int], page: str, keys: tuple[str, ...]) -> None:
    text = await described_screen(LIVE, size, *keys)
    assert text == approved(f"{page}_{size[0]}x{size[1]}", text)


@pytest.mark.parametrize("state", STATES)
async def test_every_state(state: str) -> None:
    text = await described_screen(STATES[state], (100, 30))
    assert [word for word in WORDS[state] if word not in " ".join(text.split())] == []
    assert text == approved(f"state_{state}", text)


@pytest.mark.parametrize("theme", ["day", "contrast"])
async def test_every_theme(theme: str) -> None:
    text = await described_screen(LIVE, (100, 30), *(("t",) if theme == "day" else ("t", "t")))
    assert text == approved(f"theme_{theme}", text)


async def test_paused() -> None:
    text = await described_screen(LIVE, (100, 30), "space")
    assert text == approved("state_paused", text)


ERROR = Disagreement(22_000_000_000, 25_000_000_000, 23_000_000_000, "cut", "mix")
PLAYED = Playback(24_000_000_000, 41_000_000_000, 60_000_000_000, 1.0, True, "", (ERROR,))
CLIP = replace(_RUN, title="kitchen.mp4", threshold=0.5)
REPLAYED = {
    "followed": CLIP,
    "at_an_error": replace(CLIP, playback=PLAYED),
    "looking": replace(CLIP, playback=PLAYED._replace(waiting="looking for the next error", disagreements=())),
}
REPLAY_WORDS = {
    "followed": ("● running", "truth"),
    "at_an_error": ("● paused, said mix, annotated cut",),
    "looking": ("looking for the next error",),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", REPLAYED)
async def test_every_state_of_a_recorded_clip(state: str, size: tuple[int, int]) -> None:
    steered = Steered()
    text = await described_screen(REPLAYED[state], size, controls=steered, transport=steered)
    assert [word for word in REPLAY_WORDS[state] if word not in " ".join(text.split())] == []
    assert text == approved(f"replay_{state}_{size[0]}x{size[1]}", text)
