from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.trainer.models.reference_file import load_torchaudio_kaldi
from trainer.models.fbank import FBANK_MEAN, FBANK_STD, Fbank, fbank_frames

RATE_HZ = 16_000


def kaldi_fbank(waveform: NDArray) -> NDArray:
    """Kaldi's filter bank frame by frame in float64, as its documentation describes it: [samples] -> [frames, 128]."""
    samples = waveform.astype(np.float64) * 2**15
    window = np.power(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399), 0.85)
    filters = mel_filters()
    rows = []
    for start in range(0, len(samples) - 400 + 1, 160):
        frame = samples[start : start + 400]
        frame = frame - frame.mean()
        frame = frame - 0.97 * np.concatenate([frame[:1], frame[:-1]])
        power = np.abs(np.fft.rfft(frame * window, n=512)) ** 2
        rows.append(np.log(np.maximum(filters @ power, np.finfo(np.float32).eps)))
    return np.array(rows)


def mel_filters() -> NDArray:
    """128 triangles in mel between 20 Hz and the Nyquist frequency, over 257 spectral bins."""

    def mel(hz: float) -> float:
        return 1127 * np.log(1 + hz / 700)

    step = (mel(RATE_HZ / 2) - mel(20)) / 129
    filters = np.zeros((128, 257))
    for m in range(128):
        left, centre, right = mel(20) + m * step, mel(20) + (m + 1) * step, mel(20) + (m + 2) * step
        for k in range(256):
            at = mel(k * RATE_HZ / 512)
            if left < at <= centre:
                filters[m, k] = (at - left) / (centre - left)
            elif centre < at < right:
                filters[m, k] = (right - at) / (right - centre)
    return filters


def signal(kind: str) -> NDArray[np.float32]:
    random = np.random.default_rng(3)
    t = np.arange(RATE_HZ // 2) / RATE_HZ
    noise = random.standard_normal(len(t))
    waves = {
        "noise": 0.1 * noise,
        "speech-like": sum(0.2 / k * np.sin(2 * np.pi * 140 * k * t) for k in range(1, 20)) * np.abs(np.sin(9 * t))
        + 1e-3 * noise,
        "tone over quiet noise": 0.5 * np.sin(2 * np.pi * 300 * t) + 1e-4 * noise,
        "offset": 0.3 + 1e-3 * noise,
        "clicks": np.where(np.arange(len(t)) % 2000 < 20, noise, 1e-3 * noise),
        "one step": np.where(t < 0.25, 0.0, 0.1 * noise),
    }
    return waves[kind].clip(-1, 1).astype(np.float32)


def log_mel(waveform: NDArray[np.float32]) -> NDArray:
    with torch.inference_mode():
        return Fbank()(torch.from_numpy(waveform)[None])[0].numpy() * (2 * FBANK_STD) + FBANK_MEAN


KINDS = ["noise", "speech-like", "offset", "clicks", "one step", "tone over quiet noise"]
# A tone 74 dB above the noise: the noise bins hold the float32 rounding of the tone, in torchaudio too.
EXCEPTIONS = {"tone over quiet noise": (3e-4, 5e-3)}


@pytest.mark.parametrize("kind", KINDS)
def test_equals_kaldi_frame_by_frame(kind: str) -> None:
    waveform = signal(kind)
    ours, expected = log_mel(waveform), kaldi_fbank(waveform)
    assert ours.shape == expected.shape
    error = np.abs(ours - expected)
    mean, largest = EXCEPTIONS.get(kind, (5e-6, 1e-3))
    assert error.mean() < mean
    assert error.max() < largest


@pytest.mark.parametrize("kind", KINDS)
def test_equals_torchaudio(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    torchaudio_kaldi = load_torchaudio_kaldi(monkeypatch)
    waveform = signal(kind)
    scaled = torch.from_numpy(waveform)[None] * 2**15  # as BEATs calls it
    expected = torchaudio_kaldi.fbank(scaled, num_mel_bins=128, sample_frequency=16000, frame_length=25, frame_shift=10)
    error = np.abs(log_mel(waveform) - expected.numpy())
    mean, largest = EXCEPTIONS.get(kind, (1e-5, 2e-3))
    assert error.mean() < mean
    assert error.max() < largest


def test_silence_is_the_floor_exactly() -> None:
    floor = np.log(np.finfo(np.float32).eps)
    np.testing.assert_allclose(log_mel(np.zeros(4000, np.float32)), floor, atol=1e-5)


def test_one_mel_bin_is_empty_as_in_kaldi() -> None:
    # 128 filters on 512 points leave one that catches no bin; it must stay, because BEATs was trained with it.
    empty = np.flatnonzero(mel_filters().sum(axis=1) == 0)
    assert len(empty) == 1
    assert (Fbank().mel[:, empty] == 0).all()


def test_batch_rows_are_independent() -> None:
    waves = torch.from_numpy(np.stack([signal("noise"), signal("offset")]))
    net = Fbank()
    torch.testing.assert_close(net(waves)[1:], net(waves[1:]))


@pytest.mark.parametrize(("samples", "frames"), [(400, 1), (559, 1), (560, 2), (34133, 211)])
def test_only_whole_frames_count(samples: int, frames: int) -> None:
    assert fbank_frames(samples) == frames
    assert Fbank()(torch.zeros(1, samples)).shape == (1, frames, 128)
