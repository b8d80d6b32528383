"""Eight-bit numbers: q = round(x / scale) + zero_point, saturated (ONNX QuantizeLinear; round half to even)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SMALLEST_SCALE = 2.0**-20
"""A scale of all zeros would be 0; this one is still exact in FP16."""


class Affine(NamedTuple):
    """How a tensor becomes eight-bit numbers."""

    scale: np.float32
    zero_point: np.int8 | np.uint8


class QuantisedWeights(NamedTuple):
    """Weights as eight-bit numbers, one scale an output channel."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]
    """float32 [channels]"""


def symmetric_s8(threshold: float) -> Affine:
    """Signed, zero point 0, [-threshold, threshold] on [-127, 127]; the scale is exact in FP16, rounded up.

    TensorRT wants a zero point of 0, and its FP16 flavour stores the scale in FP16: so both flavours compute alike.
    """
    scale = np.float16(max(threshold / 127, SMALLEST_SCALE))
    if float(scale) * 127 < threshold:
        scale = np.nextafter(scale, np.float16(np.inf))
    return Affine(np.float32(scale), np.int8(0))


def asymmetric_u8(low: float, high: float) -> Affine:
    """Unsigned, [low, high] within [0, 255], zero exact; low <= 0 <= high.

    The zero point is a whole number, so one end reaches 0 or 255 and the other comes as near as it can. An end that is
    less than half a step from zero is dropped.
    """
    step = max(high - low, SMALLEST_SCALE) / 255
    if -low < step / 2:
        scale, zero_point = high / 255, 0
    elif high < step / 2:
        scale, zero_point = -low / 255, 255
    else:
        below = int(-low / step)
        neighbours = {min(254, max(1, below)), min(254, below + 1)}
        scale, zero_point = min((max(-low / z, high / (255 - z)), z) for z in neighbours)
    return Affine(np.float32(max(scale, SMALLEST_SCALE)), np.uint8(zero_point))


def quantise_weights(weights: NDArray[np.float32], axis: int) -> QuantisedWeights:
    """Symmetric int8 per channel of `axis`: scale = max|w| / 127 of the channel, as FP16 numbers rounded up.

    Args:
        weights: float32 of any shape.
        axis: of the output channels.
    """
    others = tuple(i for i in range(weights.ndim) if i != axis % weights.ndim)
    scales = np.array([symmetric_s8(float(peak)).scale for peak in np.abs(weights).max(axis=others)], np.float32)
    shape = [1] * weights.ndim
    shape[axis] = -1
    values = np.clip(np.rint(weights / scales.reshape(shape)), -127, 127).astype(np.int8)
    return QuantisedWeights(values, scales)
