"""A synthetic clip of any size and frame rate: textured planes that move, as a camera on a head sees them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray


def write_clip(path: Path, seconds: float, size: tuple[int, int], fps: Fraction | int = 30, seed: int = 0) -> Path:
    """H.264, `size` (width, height), no sound."""
    width, height = size
    scene = _texture(width * 3 // 2, height * 3 // 2, seed)
    hand = _texture(width // 3, height // 3, seed + 1)
    rate = Fraction(fps)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(round(seconds * rate)):
            t = number / float(rate)
            x = round(width / 4 * (1 + np.sin(0.9 * t)))
            y = round(height / 4 * (1 + np.sin(1.3 * t)))
            picture = scene[y : y + height, x : x + width].copy()
            left, top = round(width / 3 * (1 + np.sin(5 * t))), round(height / 3 * (1 + np.cos(4 * t)))
            picture[top : top + hand.shape[0], left : left + hand.shape[1]] = hand
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _texture(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    """Coloured noise of many scales, uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for cells in (4, 12, 40, 120):
        noise = rng.normal(size=(max(2, cells * height // width), cells, 3)).astype(np.float32)
        total += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + 45 * total, 0, 255).astype(np.uint8)
