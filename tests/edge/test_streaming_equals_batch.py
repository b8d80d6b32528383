"""The features that a replay computed on the fly equal those of the whole file, for every kind of clip."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.bundle import SHIPPED, Bundle, load_bundle
from edge.contract import ClipFeatures
from edge.engines.load import load_engines
from edge.pipeline import Pipeline
from edge.recognizer import Recognizer
from edge.sources.replay import ReplaySource
from tests.edge.offline import offline_features
from tests.media import make_clip, tone

TOLERANCE = 1e-4


def voice(seconds: float, rate: int, channels: int) -> NDArray[np.float32]:
    """A tone in noise, float32 [n, channels]: in exact silence log-mel would amplify the last bit of a resampler."""
    noise = np.random.default_rng(0).normal(0.0, 0.02, (round(seconds * rate), channels))
    return tone(seconds, rate, channels) + noise.astype(np.float32)


KINDS: dict[str, dict[str, Any]] = {
    "plain": {"audio": "tone"},
    "no sound": {},
    "silent track": {"audio": "silence"},
    "24 fps": {"fps": 24, "audio": "tone"},
    "25 fps": {"fps": 25, "audio": "tone"},
    "29.97 fps": {"fps": Fraction(30000, 1001), "audio": "tone"},
    "60 fps": {"fps": 60, "audio": "tone"},
    "variable rate": {"vfr": True, "audio": "tone"},
    "portrait": {"size": (48, 64), "audio": "tone"},
    "rotated by 90": {"rotation": 90, "audio": "tone"},
    "rotated by 270": {"rotation": 270, "audio": "tone"},
    "stereo 44.1 kHz": {"audio": "tone", "rate": 44_100, "channels": 2},
    "mono 8 kHz": {"audio": "tone", "rate": 8_000},
    "several streams": {"audio": "tone", "second_video": (32, 24), "second_audio_hz": 880.0},
    "shorter than a row": {"seconds": 0.7, "audio": "tone"},
    "late sound": {"audio": "tone", "audio_offset_s": 0.5},
    "early sound": {"audio": "tone", "audio_offset_s": -0.5},
}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(SHIPPED)


@pytest.fixture(scope="module")
def recognizer(bundle: Bundle) -> Recognizer:
    return Recognizer(bundle, load_engines(bundle, threads=1), temperature=1.0)


@pytest.fixture
def clips_seen(recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch) -> list[ClipFeatures]:
    """What the head was given, in order."""
    seen: list[ClipFeatures] = []
    original: Callable[..., ClipFeatures] = recognizer.clip

    def remember(*args: Any) -> ClipFeatures:
        clip = original(*args)
        seen.append(clip)
        return clip

    monkeypatch.setattr(recognizer, "clip", remember)
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_streaming_equals_batch(
    kind: str, tmp_path: Path, bundle: Bundle, recognizer: Recognizer, clips_seen: list[ClipFeatures]
) -> None:
    options = {"seconds": 4.3, "rate": 48_000, "channels": 1, **KINDS[kind]}
    has_sound = options.get("audio") == "tone" and options["seconds"] > 1.1
    if options.get("audio") == "tone":
        options["audio"] = voice(options["seconds"], options["rate"], options["channels"])
    path = make_clip(tmp_path / "clip.mp4", **options)
    result = Pipeline(ReplaySource(path, bundle.window), recognizer, pace="fast").run()
    batch = offline_features(path, bundle.window, recognizer.engines, quarter_turns=options.get("rotation", 0) // 90)
    assert len(result.rows) == len(batch.appearance) == len(clips_seen)
    assert np.abs(np.stack([row.appearance for row in result.rows]) - batch.appearance).max() <= TOLERANCE
    assert np.abs(np.stack([row.motion for row in result.rows]) - batch.motion).max() <= TOLERANCE
    assert np.abs(np.stack([clip.audio for clip in clips_seen]) - batch.audio).max() <= TOLERANCE
    assert bool(batch.audio.any()) == has_sound
