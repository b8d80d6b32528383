"""The sliding loop of other projects' demos: every window is computed anew from its raw frames.

PySlowFast's demo (slowfast/visualization/predictor.py) and mmaction2's long_video_demo.py keep the last raw frames,
and for each window resize all of them, normalise, pack the pathways and run the network.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from bench.peers.networks import Array, Functions
from bench.peers.raw_clip import RawClip
from bench.peers.window import WindowOutput
from edge.preprocess import resize_crop


class PlainLoop:
    """A `Peer` of any functions. The features of the last three rows are kept for the head, as everybody would."""

    def __init__(self, clip: RawClip, functions: Functions) -> None:
        self._clip = clip
        self._functions = functions
        self._rows: deque[tuple[Array, Array]] = deque(maxlen=clip.spec.clip_rows)

    def restart(self) -> None:
        self._rows.clear()

    def window(self, start_tick: int) -> WindowOutput:
        spec = self._clip.spec
        ticks = range(start_tick, start_tick + spec.row_frames)
        pixels = np.stack([resize_crop(self._clip.frame(tick), spec.frame_size_px) for tick in ticks])
        self._rows.append(self._functions.video(pixels))
        appearance, motion = self._rows[-1]
        audio = self._functions.audio(self._clip.waveform(start_tick))
        chosen = [self._rows[i] for i in spec.clip_row_indices(0, len(self._rows) - 1)]
        logits = self._functions.head(
            np.concatenate([row[0] for row in chosen]), np.concatenate([row[1] for row in chosen]), audio
        )
        return WindowOutput(appearance, motion, audio, logits)
