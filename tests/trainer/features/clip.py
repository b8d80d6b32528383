"""Small MP4 files for the tests of this folder."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_clip(path: Path, ticks: int, tone_hz: int | None) -> Path:
    """`ticks` frames of a moving pattern at 30 fps, 96x64 px; a tone, silence (0 Hz), or no track at all (None)."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=30, options={"preset": "ultrafast", "threads": "1"})
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        sound = None
        if tone_hz is not None:
            sound = container.add_stream("aac", rate=16_000, layout="mono")
        y, x = np.mgrid[:64, :96]
        for tick in range(ticks):
            rgb = np.stack([(x * 2 + tick * 3) % 256, (y * 3 + tick) % 256, (x + y) % 256], axis=2).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, 30)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound is not None:
            time_s = np.arange(round(ticks * 16_000 / 30)) / 16_000
            wave = (0.3 * np.sin(2 * np.pi * (tone_hz or 0) * time_s)).astype(np.float32)
            block = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            block.sample_rate, block.pts = 16_000, 0
            container.mux(sound.encode(block))
            container.mux(sound.encode())
    return path
