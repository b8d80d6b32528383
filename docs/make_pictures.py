"""Makes the pictures of the README from the real thing: `make pictures` (needs librsvg2-bin and chromium)."""

from __future__ import annotations

import subprocess
from pathlib import Path

from docs.live_pictures import lost_microphone_and_browser
from edge.annotations import read_annotations
from edge.bundle import SHIPPED, load_bundle
from edge.contract import Prediction, Segment, Snapshot
from edge.demo import DEMO
from edge.engines.load import load_engines
from edge.pipeline import Pipeline
from edge.recognizer import Recognizer
from edge.replay.history import History
from edge.replay.transport import Transport
from edge.rings import Rings
from edge.sources.replay import ReplaySource
from edge.timeline import timeline_svg
from edge.tui.picture import screenshot

PICTURES = Path(__file__).parent / "pictures"
SCREEN_CELLS = (150, 44)
SHOW_AT_S = 45.0


class SnapshotAt:
    """A sink that keeps what the view shows at one moment of the stream."""

    def __init__(self, at_s: float) -> None:
        self.pipeline: Pipeline | None = None
        self.kept: Snapshot | None = None
        self._at_ns = round(at_s * 1e9)

    def prediction(self, prediction: Prediction, labels: tuple[str, ...]) -> None:
        if self.kept is None and prediction.clip_end_ns >= self._at_ns and self.pipeline is not None:
            self.kept = self.pipeline.snapshot()

    def segment(self, segment: Segment) -> None:
        """Segments are in the snapshot."""

    def event(self, t_ns: int, text: str) -> None:
        """So are events."""


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    bundle = load_bundle(SHIPPED)
    recognizer = Recognizer(bundle, load_engines(bundle), temperature=bundle.temperatures["f32"])
    clip = min(DEMO.glob("*.mp4"))
    truth = read_annotations(DEMO / "annotations.csv")[clip.name]
    camera = SnapshotAt(SHOW_AT_S)
    pipeline = Pipeline(
        ReplaySource(clip, bundle.window, "realtime"), recognizer, pace="realtime", truth=truth, sinks=[camera]
    )
    camera.pipeline = pipeline
    result = pipeline.run()
    assert camera.kept is not None, "the demo clip is shorter than the moment of the picture"
    history = History(Rings(bundle.window), None, None)
    steering = Transport(lambda picture: pipeline.snapshot(picture=picture), history, lambda: None, pipeline.hurry)
    _save(screenshot(camera.kept, SCREEN_CELLS, controls=pipeline, transport=steering), PICTURES / "live.png")
    (PICTURES / "timeline.svg").write_text(timeline_svg(result, truth), encoding="utf-8")
    lost = lost_microphone_and_browser(bundle, clip, PICTURES / "browser.png")
    _save(lost, PICTURES / "no_microphone.png")


def _save(svg: str, png: Path) -> None:
    subprocess.run(["rsvg-convert", "--zoom", "1", "--output", str(png), "/dev/stdin"], input=svg.encode(), check=True)


if __name__ == "__main__":
    main()
