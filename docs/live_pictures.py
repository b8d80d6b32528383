"""Pictures of a live run: with its microphone lost, and in a browser (needs Chromium). A clip plays the camera."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from edge.bundle import Bundle
from edge.contract import Snapshot
from edge.live.plan import LivePlan, SensorPlan
from edge.live.screen import LiveControls
from edge.live.supervisor import Supervisor
from edge.serve.address import WebAddress
from edge.serve.door import WebDoor
from edge.serve.gallery import Gallery
from edge.tui.picture import screenshot
from tests.edge.serve.browser import opened

PATIENCE_S = 120.0
BROWSER_PX = (1320, 860)
SCREEN_CELLS = (150, 44)


def lost_microphone_and_browser(bundle: Bundle, clip: Path, browser_png: Path) -> str:
    """SVG of the view once the microphone is gone; the browser's picture, while it is there, goes to `browser_png`."""
    with tempfile.TemporaryDirectory() as folder:
        control, go = Path(folder) / "control", Path(folder) / "go"
        control.mkdir()
        go.write_text("60")
        devices, faulty = "tests.edge.live.clip_devices", "tests.edge.live.synthetic"
        sensors = (
            SensorPlan("video", "head camera", f"{devices}:ClipCamera", (clip, bundle.window, go)),
            SensorPlan("audio", "USB microphone", f"{faulty}:SyntheticMicrophone", (bundle.window, control)),
        )
        supervisor = Supervisor(LivePlan(bundle, sensors, threads=1))
        supervisor.start()
        try:
            _until(supervisor, lambda s: len(s.closed_segments) >= 1)
            asyncio.run(_photograph(supervisor, browser_png))
            (control / "microphone-unplugged").touch()
            _until(supervisor, lambda s: s.prediction is not None and s.prediction.audio_coverage == 0)
            shown = _until(supervisor, lambda s: s.prediction is not None and not s.prediction.unknown)
        finally:
            supervisor.stop()
            supervisor.wait()
    controls = LiveControls(lambda message: None)
    return screenshot(shown, SCREEN_CELLS, controls=controls, flag=controls.flag)


def _until(supervisor: Supervisor, what: Callable[[Snapshot], object]) -> Snapshot:
    deadline_s = time.monotonic() + PATIENCE_S
    while not what(snapshot := supervisor.pictured()):
        if time.monotonic() > deadline_s:
            raise TimeoutError("the run did not come to what the picture shall show")
        time.sleep(0.05)
    return snapshot


async def _photograph(supervisor: Supervisor, png: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as profile,
        closing(Gallery(supervisor.pictured, supervisor.ask)) as gallery,
        closing(WebDoor(WebAddress("127.0.0.1", 0, ""), gallery.path)) as door,
    ):
        async with opened(Path(profile), BROWSER_PX) as page:
            await page.call("Page.navigate", url=door.url)
            await page.until(lambda p: "running" in p.drawn)
            await asyncio.sleep(3.0)
            png.write_bytes(await page.picture())
