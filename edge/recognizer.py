"""Windows -> feature rows -> head -> calibrated probabilities. One thread owns a recognizer and its engines."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from edge.bundle import Bundle
from edge.contract import HEAD_MASK, NS_PER_S, ClipFeatures, FeatureRow
from edge.engines.load import Engines
from edge.rings import AudioWindow, VideoWindow
from edge.telemetry import StageTimer

MIN_COVERAGE = 0.45
"""A modality that covers less than this share of its window is masked out of the head. Just below one half, so that
the first row of a stream, whose audio window is half full, already hears."""

LONGEST_CLIP_S = 6.0
"""Rows that lie further back do not enter the live clip: inference was held up for long."""


class Recognizer:
    """Computes each row once, keeps the last rows, and runs the head on the live clip they form."""

    def __init__(self, bundle: Bundle, engines: Engines, *, temperature: float) -> None:
        self.bundle = bundle
        self.engines = engines
        self._temperature = temperature
        self._rows: deque[FeatureRow] = deque(maxlen=bundle.window.clip_rows)
        self._newest_tick = 0

    def reset(self) -> None:
        """Forget the rows of the stream before."""
        self._rows.clear()
        self._newest_tick = 0

    def add_row(self, start_tick: int, window: VideoWindow, timer: StageTimer) -> FeatureRow:
        """Run the video engine on the next row, uint8 [row_frames, S, S, 3], unless there is nothing to see."""
        if window.coverage > 0:
            with timer.stage("video"):
                out = self.engines.video.infer({"frames": window.frames[None]})
            appearance, motion = out["appearance"][0].copy(), out["motion"][0].copy()
        else:
            dims = self.bundle.feature_dims
            appearance, motion = np.zeros(dims.appearance, np.float32), np.zeros(dims.motion, np.float32)
        row = FeatureRow(
            index=self._rows[-1].index + 1 if self._rows else 0,
            start_tick=start_tick,
            appearance=appearance,
            motion=motion,
            coverage=window.coverage,
        )
        self._rows.append(row)
        if window.numbers:
            self._newest_tick = window.newest_tick
        return row

    def clip(self, window: AudioWindow, timer: StageTimer) -> ClipFeatures:
        """The live clip that ends with the newest row, with the audio of its extent (float32 [clip_audio_samples])."""
        spec = self.bundle.window
        rows, video_coverage = self._clip_rows()
        # A muted microphone and an empty track give exact zeros: that is no sound, not silence.
        heard = window.coverage if window.samples.any() else 0.0
        if heard >= MIN_COVERAGE:
            with timer.stage("fbank"):
                fbank = self.engines.fbank.infer({"waveform": window.samples[None]})["fbank"]
            with timer.stage("audio"):
                audio = self.engines.audio.infer({"fbank": fbank})["audio"][0].copy()
        else:
            audio = np.zeros(self.bundle.feature_dims.audio, np.float32)
        newest_ns = spec.tick_ns(self._newest_tick)
        if heard >= MIN_COVERAGE:
            newest_ns = max(newest_ns, window.heard_until * NS_PER_S // spec.audio_rate_hz)
        return ClipFeatures(
            row=self._rows[-1],
            newest_ns=newest_ns,
            appearance=np.concatenate([row.appearance for row in rows]),
            motion=np.concatenate([row.motion for row in rows]),
            audio=audio,
            video_coverage=video_coverage,
            audio_coverage=heard,
        )

    def _clip_rows(self) -> tuple[list[FeatureRow], float]:
        """The rows of the live clip in time order, and the coverage of its extent.

        A row that is seen after one that was not starts the clip anew, as the first row of a stream does; a row that
        is not seen is not shown to the head while there are others.
        """
        spec = self.bundle.window
        oldest_tick = self._rows[-1].start_tick - LONGEST_CLIP_S * spec.frame_rate_hz
        extent: list[FeatureRow] = []
        for row in (row for row in self._rows if row.start_tick >= oldest_tick):
            if extent and row.coverage >= MIN_COVERAGE > extent[-1].coverage:
                extent = []
            extent.append(row)
        seen = [row for row in extent if row.coverage >= MIN_COVERAGE] or extent
        rows, spanned = ([rows[i] for i in spec.clip_row_indices(0, len(rows) - 1)] for rows in (seen, extent))
        return rows, float(np.mean([row.coverage for row in spanned]))

    def probabilities(self, clip: ClipFeatures, timer: StageTimer) -> NDArray[np.float32]:
        """Calibrated probabilities float32 [3 modes, K]; NaN in the rows of a modality that is not there."""
        seen, heard = clip.video_coverage >= MIN_COVERAGE, clip.audio_coverage >= MIN_COVERAGE
        mask = HEAD_MASK * np.array([seen, seen, heard], np.float32)
        with timer.stage("head"):
            logits = self.engines.head.infer(
                {
                    "appearance": clip.appearance[None],
                    "motion": clip.motion[None],
                    "audio": clip.audio[None],
                    "mask": mask,
                }
            )["logits"]
        scaled = logits / self._temperature
        exponent = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        probabilities = (exponent / exponent.sum(axis=1, keepdims=True)).astype(np.float32)
        probabilities[~mask.any(axis=1)] = np.nan
        return probabilities
