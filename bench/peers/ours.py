"""egoact as a peer: its rings, recognizer and engines. A frame is resized once, when it arrives."""

from __future__ import annotations

import numpy as np

from bench.peers.raw_clip import RawClip
from bench.peers.window import WindowOutput
from edge.bundle import Bundle
from edge.contract import AudioBlock, Frame
from edge.engines.load import load_engines
from edge.precision import Precisions
from edge.preprocess import resize_crop
from edge.recognizer import Recognizer
from edge.rings import Rings
from edge.telemetry import StageTimer


class Ours:
    """A `Peer`."""

    def __init__(self, clip: RawClip, bundle: Bundle, precision: str, threads: int) -> None:
        self._clip = clip
        engines = load_engines(bundle, Precisions(precision, precision), threads=threads)
        self._recognizer = Recognizer(bundle, engines, temperature=1.0)
        self.restart()

    def restart(self) -> None:
        self._recognizer.reset()
        self._rings = Rings(self._clip.spec)

    def arrive(self, tick: int) -> None:
        """A camera frame is there: what a capture process does with it."""
        spec = self._clip.spec
        self._rings.video.put(Frame(tick, spec.tick_ns(tick), resize_crop(self._clip.frame(tick), spec.frame_size_px)))

    def window(self, start_tick: int) -> WindowOutput:
        spec, timer = self._clip.spec, StageTimer()
        for tick in range(self._rings.video.next_tick, start_tick + spec.row_frames):
            self.arrive(tick)
        self._hear(start_tick)
        row = self._recognizer.add_row(start_tick, self._rings.video.row(start_tick), timer)
        end = self._rings.audio_end_sample(start_tick)
        clip = self._recognizer.clip(self._rings.audio.window(end, spec.clip_audio_samples), timer)
        probabilities = self._recognizer.probabilities(clip, timer)
        # Temperature is 1: logarithms of probabilities are logits up to a constant a row.
        return WindowOutput(row.appearance, row.motion, clip.audio, np.log(np.maximum(probabilities, 1e-30)))

    def _hear(self, start_tick: int) -> None:
        audio, clip = self._rings.audio, self._clip
        end = self._rings.audio_end_sample(start_tick)
        start = max(audio.next_sample, end - clip.spec.clip_audio_samples)
        audio.put(AudioBlock(start, clip.sound.take(np.arange(start, end), mode="wrap")))
