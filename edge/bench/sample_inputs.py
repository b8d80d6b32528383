"""Inputs to measure with: a window of the built-in clip. Denormal numbers of silence would be slow, zeros fast."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.bench.candidate import Candidate, load_candidate
from edge.bundle import Bundle
from edge.clip_windows import ClipWindow, clip_windows
from edge.contract import HEAD_MASK
from edge.engines.base import Tensors

WINDOW = 5
"""Number of the row that is taken: its sound window is full."""


def sample_inputs(bundle: Bundle, clip: Path) -> dict[str, Tensors]:
    """By engine name; features for the head are drawn at random, because its time does not depend on them.

    Raises:
        SourceError: the clip cannot be read.
    """
    window = _window(bundle, clip)
    waveform = {"waveform": window.audio.samples[None]}
    fbank = load_candidate(bundle, Candidate("fbank", "cpu", "f32", 1)).engine
    log_mel = fbank.infer(waveform)["fbank"].copy()
    fbank.close()
    rng, dims, rows = np.random.default_rng(0), bundle.feature_dims, bundle.window.clip_rows
    widths = {"appearance": rows * dims.appearance, "motion": rows * dims.motion, "audio": dims.audio}
    features = {name: rng.normal(size=(1, width)).astype(np.float32) for name, width in widths.items()}
    return {
        "video": {"frames": np.ascontiguousarray(window.video.frames[None])},
        "fbank": waveform,
        "audio": {"fbank": log_mel},
        "head": {**features, "mask": HEAD_MASK.copy()},
    }


def _window(bundle: Bundle, clip: Path) -> ClipWindow:
    windows = clip_windows(clip, bundle.window)
    newest = next(windows)
    for number, window in enumerate(windows, start=1):
        newest = window
        if number == WINDOW:
            break
    return newest
