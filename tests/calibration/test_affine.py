from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from calibration.affine import SMALLEST_SCALE, asymmetric_u8, quantise_weights, symmetric_s8

ENDS = st.floats(0, 1000, width=32)


def rounded(x: np.ndarray, scale: np.float32, zero_point: np.generic) -> np.ndarray:
    """QuantizeLinear and DequantizeLinear as the ONNX operators define them."""
    bounds = np.iinfo(zero_point.dtype)
    q = np.clip(np.rint(x / scale) + int(zero_point), bounds.min, bounds.max)
    return (q - int(zero_point)) * scale


@given(ENDS, ENDS)
def test_u8_holds_both_ends_and_zero(below: float, high: float) -> None:
    affine = asymmetric_u8(-below, high)
    assert affine.zero_point.dtype == np.uint8
    ends = np.array([-below, 0.0, high])
    error = np.abs(rounded(ends, affine.scale, affine.zero_point) - ends)
    assert error[1] == 0
    assert error.max() <= affine.scale * 0.5001
    # No other zero point in the middle would allow a finer scale.
    finest = min(max(below / z, high / (255 - z)) for z in range(1, 255))
    assert affine.scale <= max(np.float32(finest), SMALLEST_SCALE)


@given(ENDS)
def test_u8_of_one_sign_uses_all_steps(end: float) -> None:
    above, below = asymmetric_u8(0, end), asymmetric_u8(-end, 0)
    assert above.scale == below.scale == max(np.float32(end / 255), np.float32(SMALLEST_SCALE))
    assert above.zero_point == 0
    assert below.zero_point == (255 if end >= SMALLEST_SCALE / 510 else 0)


@given(ENDS)
def test_s8_is_symmetric_and_exact_in_fp16(threshold: float) -> None:
    affine = symmetric_s8(threshold)
    assert affine.zero_point.dtype == np.int8
    assert affine.zero_point == 0
    assert np.float32(np.float16(affine.scale)) == affine.scale
    assert affine.scale * 127 >= threshold  # the end does not saturate
    assert affine.scale <= max(threshold / 127 * 1.001, threshold / 127 + 2.0**-24, SMALLEST_SCALE)


@given(st.integers(0, 2**20), st.sampled_from([((6, 3, 2, 2, 2), 0), ((5, 9), 1), ((5, 9), 0)]))
def test_weights_have_a_scale_a_channel(seed: int, layout: tuple[tuple[int, ...], int]) -> None:
    shape, axis = layout
    generator = np.random.default_rng(seed)
    spread = 10.0 ** generator.uniform(-3, 1, size=shape[axis])
    weights = np.moveaxis(np.moveaxis(generator.normal(size=shape), axis, -1) * spread, -1, axis).astype(np.float32)
    found = quantise_weights(weights, axis)
    assert found.values.dtype == np.int8
    assert found.scales.shape == (shape[axis],)
    for channel, scale in enumerate(found.scales):
        exact = np.take(weights, channel, axis)
        stored = np.take(found.values, channel, axis)
        assert np.abs(stored).max() in (126, 127)  # 126 when the scale was rounded up to FP16
        assert np.abs(stored * scale - exact).max() <= scale * 0.5001


def test_a_dead_channel_stays_zero() -> None:
    weights = np.zeros((2, 4), np.float32)
    weights[1] = 1
    found = quantise_weights(weights, 0)
    assert (found.values[0] == 0).all()
    assert found.scales[0] > 0
