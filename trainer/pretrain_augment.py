"""Random changes of a row of frames that keep its action: view, light and colour. All frames of a row change alike."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_ROTATION_DEG = 12.0
SCALE = (0.8, 1.25)
MAX_SHIFT = 0.1
"""Of the picture's side."""


def augment_row(frames: NDArray[np.uint8], size_px: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One random view of a row: mirror, rotation, scale, shift, gamma, gain of each channel, order of the channels.

    Mirroring is sound because left-handed wearers exist; no action here is told from another by its side.

    Args:
        frames: RGB uint8 [T, S, S, 3].
        size_px: side of the result; may be smaller than S (early training at a lower resolution).

    Returns:
        uint8 [T, size_px, size_px, 3].
    """
    matrix = _random_view(frames.shape[1], size_px, rng)
    table = _random_tone(rng)
    order = rng.permutation(3) if rng.random() < 0.3 else np.arange(3)  # objects' colours belong to the domain
    out = np.empty((len(frames), size_px, size_px, 3), np.uint8)
    for frame, target in zip(frames, out, strict=True):
        cv2.warpAffine(frame, matrix, (size_px, size_px), dst=target, borderMode=cv2.BORDER_REFLECT_101)
    return np.ascontiguousarray(cv2.LUT(out.reshape(-1, size_px, 3), table).reshape(out.shape)[..., order])


def _random_view(side_px: int, size_px: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Affine matrix [2, 3] from source to target pixels, about the middles of both pictures."""
    angle = np.deg2rad(rng.uniform(-MAX_ROTATION_DEG, MAX_ROTATION_DEG))
    scale = np.exp(rng.uniform(*np.log(SCALE))) * size_px / side_px
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([mirror, 1.0])
    middle = np.full(2, (side_px - 1) / 2)
    shift = rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2) * size_px
    return np.column_stack([linear, np.full(2, (size_px - 1) / 2) + shift - linear @ middle])


def _random_tone(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Look-up table uint8 [1, 256, 3]: gamma, brightness, and a gain for each channel."""
    gamma, brightness = np.exp(rng.uniform(-0.35, 0.35)), rng.uniform(-0.08, 0.08)
    gains = np.exp(rng.uniform(-0.3, 0.3)) * np.exp(rng.uniform(-0.15, 0.15, 3))
    level = (np.arange(256)[:, None] / 255.0) ** gamma
    return np.clip((level * gains + brightness) * 255.0, 0, 255).round().astype(np.uint8)[None]
