from __future__ import annotations

from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bench import pixels
from bench.clip import write_clip
from bench.nets import video_net
from bench.pixels import agreements, features_both_ways, markdown
from edge.clip_windows import replay_events
from edge.contract import WindowSpec
from edge.preprocess import resize_crop
from trainer.features.backbones import SlowFastVideo, torch_on
from trainer.features.openvino_module import on_openvino
from trainer.features.windows import row_inputs

SHARED_CLIPS = Path(__file__).parents[3] / "shared" / "clips"
RATES = {"30": 30, "25": 25, "29.97": Fraction(30000, 1001)}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    return [write_clip(folder / f"{name}.mp4", 2.2, (320, 240), rate, seed=3) for name, rate in RATES.items()]


def first_rows(clips: list[Path], spec: WindowSpec) -> np.ndarray:
    return np.stack([next(row_inputs(replay_events(clip, spec), spec)).frames for clip in clips])


def test_uint8_frames_give_the_features_of_float_frames(clips: list[Path]) -> None:
    spec = WindowSpec(frame_size_px=128)
    backbone = SlowFastVideo(video_net("small", first_rows(clips, spec)), torch_on("cpu"))
    features = [(clip.stem, *features_both_ways(clip, spec, backbone)) for clip in clips]
    found = agreements(features)
    assert [a.clip for a in found] == list(RATES)
    assert all(a.rows == 4 for a in found)
    assert min(a.cosine for a in found) >= 0.999
    assert min(a.centred for a in found) >= 0.99
    assert max(np.abs(ours - reference).max() for _, ours, reference in features) > 0  # two ways, not one
    assert "| 29.97 | 4 |" in markdown(found)


def test_the_measure_sees_a_wrong_resize(clips: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames shifted by four pixels fail the bounds above, so the bounds mean something."""

    def shifted(rgb: np.ndarray, size_px: int) -> np.ndarray:
        return np.roll(resize_crop(rgb, size_px), 4, axis=1)

    monkeypatch.setattr(pixels, "replay_events", partial(replay_events, convert=shifted))
    spec = WindowSpec(frame_size_px=128)
    backbone = SlowFastVideo(video_net("small", first_rows(clips, spec)), torch_on("cpu"))
    found = agreements([(clip.stem, *features_both_ways(clip, spec, backbone, 2)) for clip in clips])
    assert min(a.centred for a in found) < 0.99


def test_cosines_with_and_without_the_mean_row() -> None:
    reference = np.array([[10, 1], [10, -1]], np.float32)
    ours = np.array([[10, 1], [10, 1]], np.float32)
    (found,) = agreements([("clip", ours, reference)])
    assert found.cosine == pytest.approx((100 - 1) / 101)
    assert found.centred == pytest.approx(-1)
    assert found.mean_centred == pytest.approx(0)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_r50_on_synthetic_and_real_clips(clips: list[Path]) -> None:
    spec = WindowSpec()
    real = [SHARED_CLIPS / name for name in ("ego4d_catania.mp4", "egohomes_washing_cup.mp4")]
    chosen = clips + [clip for clip in real if clip.exists()]
    backbone = SlowFastVideo(video_net("r50", first_rows(chosen[-2:], spec)), on_openvino(2))
    found = agreements([(clip.stem, *features_both_ways(clip, spec, backbone, 2)) for clip in chosen])
    assert min(a.cosine for a in found) >= 0.999
    assert min(a.centred for a in found) >= 0.999
