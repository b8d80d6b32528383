from __future__ import annotations

from fractions import Fraction
from math import floor

import cv2
import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.contract import NS_PER_S, WindowSpec
from edge.preprocess import GridSampler, MonoResampler, is_fresh, mono_float32, nearest_tick, resize_crop
from tests.media import even_times_s, tone

SPEC = WindowSpec()
MS = Fraction(1, 1000)


def noise_picture(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)


# ---- frame size


@pytest.mark.parametrize(
    ("width", "height", "size", "scaled", "corner"),
    [
        (1920, 1080, 256, (455, 256), (0, 100)),  # 99.5 rounds to the even 100, as torchvision's crop does
        (640, 360, 256, (455, 256), (0, 100)),
        (480, 360, 256, (341, 256), (0, 42)),  # 42.5 -> 42
        (270, 480, 128, (128, 227), (50, 0)),  # 49.5 -> 50
        (360, 360, 256, (256, 256), (0, 0)),
        (64, 48, 128, (170, 128), (0, 21)),
    ],
)
def test_resize_crop_follows_the_rule(width: int, height: int, size: int, scaled: tuple, corner: tuple) -> None:
    picture = noise_picture(width, height)
    whole = cv2.resize(picture, scaled, interpolation=cv2.INTER_LINEAR)
    top, left = corner
    assert np.array_equal(resize_crop(picture, size), whole[top : top + size, left : left + size])


def test_resize_crop_is_bilinear_with_half_pixel_centres() -> None:
    ramp = np.repeat(np.arange(0, 240, 10, dtype=np.uint8)[None, :, None], 24, axis=0).repeat(3, axis=2)
    halved = resize_crop(ramp, 12)
    assert np.array_equal(halved[0, :, 0], np.arange(5, 240, 20))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 90), st.integers(2, 90), st.sampled_from([16, 31, 64]))
def test_resize_crop_always_gives_the_square(width: int, height: int, size: int) -> None:
    square = resize_crop(noise_picture(width, height), size)
    assert square.shape == (size, size, 3)
    assert square.dtype == np.uint8
    assert square.flags.c_contiguous


def test_picture_of_the_right_size_is_unchanged() -> None:
    picture = noise_picture(64, 64)
    assert np.array_equal(resize_crop(picture, 64), picture)


# ---- the frame grid


def shown(times_ns: list[int]) -> list[int]:
    """Index of the source frame that each grid tick shows."""
    grid, ticks = GridSampler(SPEC), []
    for index, t_ns in enumerate(times_ns):
        settled = grid.push(t_ns)
        assert [tick for tick, _ in settled] == list(range(len(ticks), len(ticks) + len(settled)))
        ticks += [index - 1 if not ticks else ticks[-1]] * (len(settled) - 1) + [index] * bool(settled)
    assert grid.ticks == len(ticks)
    return ticks


def floor_ns(times_s: list[Fraction]) -> list[int]:
    return [floor(t * NS_PER_S) for t in times_s]


def test_30_fps_is_one_to_one_for_an_hour() -> None:
    times = [n * NS_PER_S // 30 for n in range(108_000)]
    assert shown(times) == list(range(108_000))


def test_60_fps_keeps_every_second_frame() -> None:
    assert shown(floor_ns(even_times_s(60, 10))) == list(range(0, 600, 2))


def test_60_fps_keeps_every_second_frame_when_times_are_rounded_to_ms() -> None:
    times = [round(t * 1000) * 1_000_000 for t in even_times_s(60, 10)]
    assert shown(times) == list(range(0, 600, 2))


def test_24_fps_repeats_every_fourth_frame() -> None:
    ticks = shown(floor_ns(even_times_s(24, 10)))
    assert len(ticks) == 300
    assert sorted(set(ticks)) == list(range(240))
    assert max(ticks.count(n) for n in range(240)) == 2


def test_29_97_fps_does_not_drift() -> None:
    times = even_times_s(Fraction(30000, 1001), 3600)
    ticks = shown(floor_ns(times))
    assert len(ticks) == floor((times[-1] - MS) * 30 + Fraction(1, 2)) + 1
    # every tick shows a frame no further away than half a tick and the frame interval that holding costs
    worst = max(abs(times[index] - Fraction(tick, 30)) for tick, index in enumerate(ticks))
    assert worst < Fraction(1, 60) + Fraction(1001, 30000) / 2 + MS
    assert sorted(set(ticks)) == list(range(len(times)))


def test_first_frame_defines_tick_zero() -> None:
    assert GridSampler(SPEC).push(17 * NS_PER_S + 5) == [(0, True)]


def test_held_frame_is_fresh_for_a_quarter_of_a_second() -> None:
    grid = GridSampler(SPEC)
    grid.push(0)
    settled = grid.push(NS_PER_S // 2)
    assert [tick for tick, _ in settled] == list(range(1, 16))
    assert [fresh for _, fresh in settled] == [True] * 7 + [False] * 7 + [True]  # tick 7 is at 0.233 s, 8 at 0.267 s
    assert is_fresh(7, 0, SPEC)
    assert not is_fresh(8, 0, SPEC)


def test_frame_of_a_filled_tick_is_not_needed() -> None:
    grid = GridSampler(SPEC)
    grid.push(0)
    assert grid.push(10_000_000) == []
    assert grid.push(10_000_000) == []
    assert grid.push(-5 * NS_PER_S) == []
    assert grid.push(33_000_000) == [(1, True)]


@given(st.lists(st.integers(0, 400_000_000), min_size=1, max_size=60))
def test_any_stream_fills_every_tick_once_with_the_nearest_or_the_held_frame(steps_ns: list[int]) -> None:
    times = np.cumsum([0, *steps_ns]).tolist()
    ticks = shown(times)
    wanted = [nearest_tick(t, 30) for t in times]
    assert len(ticks) == wanted[-1] + 1
    for tick, index in enumerate(ticks):
        if tick in wanted:
            assert index == wanted.index(tick)
        else:
            assert index == ticks[tick - 1]


# ---- sound

RATES = [8000, 16000, 22050, 44100, 48000, 96000]


def resampled(samples: np.ndarray, rate: int, block: int = 1024) -> np.ndarray:
    resampler = MonoResampler(rate)
    parts = [resampler.push(samples[n : n + block]) for n in range(0, len(samples), block)]
    return np.concatenate([*parts, resampler.flush()])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("n", [1, 7, 333, 12_345])
def test_length_is_exact(rate: int, n: int) -> None:
    assert len(resampled(np.zeros(n, np.float32), rate)) == floor(Fraction(n * 16000, rate) + Fraction(1, 2))


def test_no_input_gives_no_output() -> None:
    assert len(MonoResampler(48000).flush()) == 0


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([8000, 44100, 48000]), st.lists(st.integers(0, 3000), min_size=1, max_size=12))
def test_block_sizes_do_not_matter(rate: int, sizes: list[int]) -> None:
    wave = np.random.default_rng(1).normal(0, 0.1, sum(sizes)).astype(np.float32)
    resampler, start, parts = MonoResampler(rate), 0, []
    for size in sizes:
        parts.append(resampler.push(wave[start : start + size]))
        start += size
    streamed = np.concatenate([*parts, resampler.flush()])
    once = resampled(wave, rate, block=max(1, len(wave)))
    assert len(streamed) == len(once)
    np.testing.assert_allclose(streamed, once, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_streamed_equals_the_whole_resampled_at_once(rate: int) -> None:
    wave = tone(0.7, rate)[:, 0]
    np.testing.assert_allclose(resampled(wave, rate), soxr.resample(wave, rate, 16000, "HQ"), atol=1e-5)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_tone_keeps_frequency_and_level(rate: int, channels: int) -> None:
    wave = resampled(tone(1, rate, channels, 1000.0), rate)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    assert np.argmax(spectrum) == 1000  # 16000 samples: one bin is 1 Hz
    assert np.std(wave[1000:-1000]) == pytest.approx(0.5 / np.sqrt(2), rel=1e-3)


@pytest.mark.parametrize("frequency_hz", [9500.0, 12000.0, 20000.0])
def test_what_16_khz_cannot_hold_is_60_db_down(frequency_hz: float) -> None:
    alias = resampled(tone(0.5, 48000, frequency_hz=frequency_hz), 48000)[800:-800]
    assert 20 * np.log10(np.std(alias) / (0.5 / np.sqrt(2)) + 1e-12) < -60


def test_same_rate_passes_through_untouched() -> None:
    wave = tone(0.1, 16000)[:, 0]
    resampler = MonoResampler(16000)
    assert np.array_equal(resampler.push(wave), wave)
    assert len(resampler.flush()) == 0


def test_channels_are_averaged() -> None:
    stereo = np.array([[1.0, 0.0], [0.5, -0.5], [-1.0, -1.0]], np.float32)
    assert mono_float32(stereo).tolist() == [0.5, 0.0, -1.0]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.array([-32768, 0, 16384], np.int16), [-1.0, 0.0, 0.5]),
        (np.array([-(2**31), 0, 2**30], np.int32), [-1.0, 0.0, 0.5]),
        (np.array([0, 128, 192], np.uint8), [-1.0, 0.0, 0.5]),
        (np.array([-1.0, 0.0, 0.5], np.float64), [-1.0, 0.0, 0.5]),
    ],
)
def test_pcm_of_any_kind_is_scaled_to_one(samples: np.ndarray, expected: list[float]) -> None:
    scaled = mono_float32(samples)
    assert scaled.dtype == np.float32
    assert scaled.tolist() == expected
