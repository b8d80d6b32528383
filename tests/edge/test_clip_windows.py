from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.clip_windows import clip_windows
from edge.engines.load import load_engines
from edge.errors import SourceError
from edge.pipeline import Pipeline
from edge.recognizer import Recognizer
from edge.sources.replay import ReplaySource
from edge.telemetry import StageTimer
from tests import media
from tests.tiny_bundle import make_bundle


@pytest.mark.parametrize("frames", [20, 32, 75, 320])
def test_windows_are_those_of_the_pipeline(tmp_path: Path, frames: int) -> None:
    bundle = make_bundle(tmp_path / "tiny")
    clip = media.make_clip(tmp_path / "clip.mp4", seconds=frames / 30, audio="tone")
    recognizer = Recognizer(bundle, load_engines(bundle, threads=1), temperature=1.0)
    result = Pipeline(ReplaySource(clip, bundle.window), recognizer, pace="fast").run()
    recognizer.reset()
    rows, said = [], []
    for window in clip_windows(clip, bundle.window):
        rows.append(recognizer.add_row(window.start_tick, window.video, StageTimer()))
        said.append(recognizer.probabilities(recognizer.clip(window.audio, StageTimer()), StageTimer()))
    assert [row.start_tick for row in rows] == [row.start_tick for row in result.rows]
    for ours, theirs in zip(rows, result.rows, strict=True):
        np.testing.assert_array_equal(ours.appearance, theirs.appearance)
    for mine, prediction in zip(said, result.predictions, strict=True):
        np.testing.assert_array_equal(mine, prediction.probabilities)


def test_a_file_that_is_no_clip(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_text("no")
    with pytest.raises(SourceError, match=r"clip\.mp4"):
        next(clip_windows(tmp_path / "clip.mp4", make_bundle(tmp_path / "tiny").window))
