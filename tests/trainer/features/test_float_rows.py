from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.clip_windows import replay_events
from edge.contract import WindowSpec
from edge.preprocess import resize_crop
from tests.media import make_clip
from trainer.features.float_rows import float_pixels, float_row_inputs
from trainer.features.windows import row_inputs

SPEC = WindowSpec(frame_size_px=32)


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(48, 64), (64, 48), (90, 161), (32, 57), (20, 30)])
def test_one_frame_is_normalised_resized_and_cropped_in_this_order(height: int, width: int) -> None:
    """The two-dimensional bilinear formula, written out: half-pixel centres, clamped at the border, no antialias."""
    rgb, size = picture(height, width), 32
    short = min(height, width)
    new = (height * size // short, width * size // short)
    values = (rgb.astype(np.float64) / 255 - 0.45) / 0.225

    def weights(old: int, out: int) -> np.ndarray:
        centre = np.clip((np.arange(out) + 0.5) * old / out - 0.5, 0, None)
        low = np.minimum(np.floor(centre).astype(int), old - 1)
        matrix = np.zeros((out, old))
        matrix[np.arange(out), low] += 1 - (centre - low)
        matrix[np.arange(out), np.minimum(low + 1, old - 1)] += centre - low
        return matrix

    resized = np.einsum("ih,hwc,jw->cij", weights(height, new[0]), values, weights(width, new[1]))
    top, left = round((new[0] - size) / 2), round((new[1] - size) / 2)
    expected = resized[:, top : top + size, left : left + size]
    found = float_pixels(rgb, size)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_the_uint8_way_differs_by_no_more_than_its_rounding() -> None:
    rgb = picture(90, 161)
    uint8 = (resize_crop(rgb, 32).astype(np.float64) / 255 - 0.45) / 0.225
    assert np.abs(float_pixels(rgb, 32) - uint8.transpose(2, 0, 1)).max() < 1.6 / 255 / 0.225


@pytest.mark.parametrize(
    ("fps", "seconds"), [(30, 1.3), (30, 0.4), (25, 2.2), (Fraction(30000, 1001), 2.2), (60, 2.0), (12, 2.0)]
)
def test_rows_are_those_of_the_runtime(tmp_path: Path, fps: Fraction | int, seconds: float) -> None:
    path = make_clip(tmp_path / "clip.mp4", fps=fps, seconds=seconds, size=(64, 48), audio="tone", audio_offset_s=0.3)
    runtime = list(row_inputs(replay_events(path, SPEC), SPEC))
    rows = list(float_row_inputs(path, SPEC))
    assert [row.start_tick for row in rows] == [row.start_tick for row in runtime]
    for row, other in zip(rows, runtime, strict=True):
        assert row.frames.shape == (3, 32, 32, 32)
        same = (other.frames.astype(np.float64).transpose(3, 0, 1, 2) / 255 - 0.45) / 0.225
        assert np.abs(row.frames - same).max() < 1.6 / 255 / 0.225
        np.testing.assert_array_equal(row.samples, other.samples)
        assert row.audio_coverage == pytest.approx(other.audio_coverage, abs=1e-9)


def test_ego4ds_example_39_frames_are_two_rows(tmp_path: Path) -> None:
    """Ego4D's documentation: 39 frames give the windows [0, 31] and [7, 38]."""
    path = make_clip(tmp_path / "clip.mp4", seconds=1.3, size=(64, 48))
    rows = list(float_row_inputs(path, SPEC))
    assert [(row.start_tick, row.start_tick + 31) for row in rows] == [(0, 31), (7, 38)]
    np.testing.assert_array_equal(rows[0].frames[:, 7:], rows[1].frames[:, :25])


@pytest.mark.parametrize("way", ["uint8", "float"])
def test_every_frame_is_resized_once(tmp_path: Path, way: str) -> None:
    path = make_clip(tmp_path / "clip.mp4", seconds=100 / 30, size=(64, 48))
    calls: list[int] = []

    def convert(rgb: np.ndarray, size_px: int) -> np.ndarray:
        calls.append(1)
        return resize_crop(rgb, size_px) if way == "uint8" else float_pixels(rgb, size_px)

    if way == "uint8":
        rows = list(row_inputs(replay_events(path, SPEC, convert), SPEC))
    else:
        rows = list(float_row_inputs(path, SPEC, convert))
    assert len(rows) == 6
    assert len(calls) == 100


def test_slow_frames_are_those_of_ego4d() -> None:
    """linspace(0, 31, 8) cut to integers, not the stride-4 set."""
    assert torch.linspace(0, 31, 8).long().tolist() == list(SPEC.slow_frames) == [0, 4, 8, 13, 17, 22, 26, 31]
