"""What one engine set says about clips: features, and probabilities of the three masked rows, window by window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.bundle import Bundle
from edge.clip_windows import ClipWindow, clip_windows
from edge.engines.load import Engines
from edge.recognizer import MIN_COVERAGE, Recognizer
from edge.telemetry import StageTimer

FEATURES = ("appearance", "motion", "audio")


@dataclass(frozen=True)
class Outputs:
    """Of the windows of all clips, in order."""

    features: dict[str, NDArray[np.float32]]
    """Name -> float32 [windows, width]; rows of audio are NaN where nothing was heard."""
    probabilities: NDArray[np.float32]
    """float32 [windows, 3 modes, K], NaN where a mode was missing."""
    centre_ns: NDArray[np.int64]
    """int64 [windows]: stream time that the label speaks for."""
    clip: tuple[str, ...]
    """File name of each window's clip."""


def run_both(
    bundles: tuple[Bundle, Bundle],
    engines: tuple[Engines, Engines],
    clips: Iterable[Path],
    *,
    windows: int | None = None,
) -> tuple[Outputs, Outputs]:
    """Run two engine sets over the same windows (the first `windows` of each clip, or all), each from end to end.

    Raises:
        SourceError: a clip cannot be read.
        EngineError: an engine refuses its input.
    """
    sides = tuple(Recognizer(b, e, temperature=1.0) for b, e in zip(bundles, engines, strict=True))
    collected: tuple[list, list] = ([], [])
    for clip in clips:
        for recognizer in sides:
            recognizer.reset()
        for window in islice(clip_windows(clip, bundles[0].window), windows):
            for recognizer, rows in zip(sides, collected, strict=True):
                rows.append((clip.name, *_one(recognizer, window)))
    first, second = (_stacked(rows) for rows in collected)
    return first, second


def _one(recognizer: Recognizer, window: ClipWindow) -> tuple:
    spec, timer = recognizer.bundle.window, StageTimer()
    row = recognizer.add_row(window.start_tick, window.video, timer)
    features = recognizer.clip(window.audio, timer)
    audio = features.audio if features.audio_coverage >= MIN_COVERAGE else np.full_like(features.audio, np.nan)
    probabilities = recognizer.probabilities(features, timer)
    return row.appearance, row.motion, audio, probabilities, spec.tick_ns(window.start_tick)


def _stacked(rows: list[tuple]) -> Outputs:
    columns: Iterator[tuple] = zip(*rows, strict=True)
    clip, *features, probabilities, centre_ns = columns
    return Outputs(
        features={name: np.stack(values) for name, values in zip(FEATURES, features, strict=True)},
        probabilities=np.stack(probabilities),
        centre_ns=np.array(centre_ns, np.int64),
        clip=tuple(clip),
    )
