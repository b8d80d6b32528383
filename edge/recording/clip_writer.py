"""Grid frames and mono sound as a Matroska file that `egoact replay` plays, and that stays readable after a crash.

Times in Matroska are whole milliseconds. A frame stands at the time of its tick, which the replay's grid maps back to
the same tick; sound that was not heard is left out, and what follows it begins on a whole millisecond, so that every
sample comes back to its place on the axis.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, cast

import av
import numpy as np
from numpy.typing import NDArray

from edge.contract import AudioBlock, WindowSpec

CLUSTER_MS = 1000
"""A cluster reaches the disk as a whole: a crash loses this much."""

SAMPLES_A_MS = 16
SHORTEST_GAP_SAMPLES = 60 * SAMPLES_A_MS
"""Shorter gaps become zeros: replay takes time stamps that are off by up to 50 ms for rounding of the container."""


class VideoCodec(NamedTuple):
    """How frames are compressed."""

    name: str
    pixel_format: str
    options: dict[str, str]


LOSSLESS = VideoCodec("ffv1", "bgr0", {"level": "3", "coder": "1", "context": "0", "slicecrc": "1", "g": "30"})
"""Every pixel comes back as it was."""

_SMALL = (
    VideoCodec("libx264", "yuv420p", {"preset": "superfast", "tune": "zerolatency", "crf": "18", "g": "30"}),
    VideoCodec("mjpeg", "yuvj420p", {"qmin": "3", "qmax": "3"}),
)


def small_codec() -> VideoCodec:
    """H.264 that looks like the original, a key frame a second; Motion JPEG where FFmpeg was built without it."""
    return next(codec for codec in _SMALL if codec.name in av.codecs_available)


class ClipWriter:
    """Writes one file. Frames and blocks come in time order, each kind by itself.

    Raises OSError (or av.FFmpegError) as the disk gives it; what was written before stays readable. The file belongs to
    its owner alone (mode 600): it shows what somebody saw and heard.
    """

    def __init__(
        self,
        path: Path,
        spec: WindowSpec,
        start_tick: int,
        codec: VideoCodec,
        *,
        exact_sound: bool,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """`start_tick` is time 0 of the file. `exact_sound` keeps float32 samples, else 16 bits."""
        self._spec = spec
        self._start_tick = start_tick
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        # Without the limit on interleaving a silent microphone would hold frames back for ten seconds.
        options = {"cluster_time_limit": str(CLUSTER_MS), "flush_packets": "1", "max_interleave_delta": "500000"}
        self._container = av.open(str(path), "w", format="matroska", container_options=options)
        self._container.metadata.update(metadata or {})
        self._video = cast(Any, self._container.add_stream(codec.name, rate=spec.frame_rate_hz, options=codec.options))
        self._video.width = self._video.height = spec.frame_size_px
        self._video.pix_fmt = codec.pixel_format
        self._video.codec_context.thread_count = 1
        kind = "pcm_f32le" if exact_sound else "pcm_s16le"
        self._audio = cast(Any, self._container.add_stream(kind, rate=spec.audio_rate_hz, layout="mono"))
        self._exact_sound = exact_sound
        self._next_sample = 0
        """On the file's axis."""

    def frame(self, tick: int, image: NDArray[np.uint8]) -> None:
        """image: RGB uint8 [S, S, 3]. Ticks grow; some may be missing."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame.pts, frame.time_base = tick - self._start_tick, Fraction(1, self._spec.frame_rate_hz)
        self._container.mux(self._video.encode(frame))

    def sound(self, block: AudioBlock) -> None:
        """Samples on the stream's axis. What lies before the file's start, or overlaps what came before it, is cut."""
        first = block.start_sample - self._start_tick * self._spec.audio_rate_hz // self._spec.frame_rate_hz
        samples = block.samples[max(0, self._next_sample - first) :]
        first = max(first, self._next_sample)
        if not block.heard or not len(samples):
            return
        gap = first - self._next_sample
        lead = gap if gap < SHORTEST_GAP_SAMPLES else first % SAMPLES_A_MS
        if lead:
            samples = np.concatenate([np.zeros(lead, np.float32), samples])
        self._encode_sound(first - lead, samples)
        self._next_sample = first - lead + len(samples)

    def _encode_sound(self, first: int, samples: NDArray[np.float32]) -> None:
        if self._exact_sound:
            values, format_ = np.ascontiguousarray(samples, np.float32), "flt"
        else:
            values, format_ = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16), "s16"
        frame = av.AudioFrame.from_ndarray(values[None], format=format_, layout="mono")
        frame.sample_rate, frame.pts = self._spec.audio_rate_hz, first
        frame.time_base = Fraction(1, self._spec.audio_rate_hz)
        self._container.mux(self._audio.encode(frame))

    def close(self) -> None:
        """Finish the file; may be called again after it failed."""
        try:
            self._container.mux(self._video.encode(None))
            self._container.mux(self._audio.encode(None))
        finally:
            self._container.close()
