"""Building blocks of the sound synthesis: shaped noise, ringing strikes, motors; mono float64 arrays at 48 kHz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float64]
RATE_HZ = 48_000


def fast_length(samples: int) -> int:
    """Smallest power of two times 1, 3 or 5 that holds `samples`: other lengths make the FFT slow."""
    best = 1 << max(1, samples - 1).bit_length()
    for factor in (3, 5):
        power = factor
        while power < samples:
            power *= 2
        best = min(best, power)
    return best


def band_noise(rng: np.random.Generator, samples: int, low_hz: float, high_hz: float, tilt: float = 0.0) -> Wave:
    """Noise of unit deviation between two soft-edged corner frequencies; `tilt` is the slope in powers of frequency."""
    n = fast_length(max(samples, 16))
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.fft.rfftfreq(n, 1 / RATE_HZ) + 1e-3
    spectrum *= hz**tilt / np.sqrt((1 + (low_hz / hz) ** 4) * (1 + (hz / high_hz) ** 4))
    wave = np.fft.irfft(spectrum, n)[:samples]
    return np.asarray(wave / (wave.std() + 1e-9))


def decay(samples: int, half_life_s: float) -> Wave:
    """Exponential decay from 1."""
    return np.asarray(0.5 ** (np.arange(samples) / (half_life_s * RATE_HZ)))


def hump(samples: int) -> Wave:
    """A raised-cosine bump from 0 over 1 to 0."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(samples) + 0.5) / samples))


def fade(wave: Wave, seconds: float = 0.06) -> Wave:
    """Fade both ends in place and return the wave."""
    n = min(len(wave) // 2, int(seconds * RATE_HZ))
    if n:
        ramp = np.linspace(0, 1, n)
        wave[:n] *= ramp
        wave[-n:] *= ramp[::-1]
    return wave


def strike(hz: tuple[float, ...], half_life_s: float, length_s: float) -> Wave:
    """A struck body: decaying sine partials, the higher ones shorter."""
    n = int(length_s * RATE_HZ)
    t = np.arange(n) / RATE_HZ
    return np.asarray(
        sum(
            np.sin(2 * np.pi * f * t) * 0.5 ** (t * (f / hz[0]) ** 0.5 / half_life_s) / (k + 1)
            for k, f in enumerate(hz)
        )
    )


def add_at(track: Wave, time_s: float, event: Wave, gain: float = 1.0) -> None:
    """Add `event` to `track` from `time_s` on, cut where the track ends."""
    start = round(time_s * RATE_HZ)
    skip = max(0, -start)
    start = max(0, start)
    stop = min(len(track), start + len(event) - skip)
    if stop > start:
        track[start:stop] += gain * event[skip : skip + stop - start]


def harmonics(base_hz: Wave, weights: tuple[float, ...]) -> Wave:
    """Sum of harmonics of a changing base frequency (one value a sample)."""
    phase = 2 * np.pi * np.cumsum(base_hz) / RATE_HZ
    return np.asarray(sum(w * np.sin((k + 1) * phase) for k, w in enumerate(weights)))


def room_and_microphone(
    rng: np.random.Generator, dry: Wave, around: Wave, *, reverb_s: float, reverb_db: float, tilt: float
) -> Wave:
    """`dry` with the room's echo plus `around`, as a microphone with a spectral slope `tilt` (power of Hz) hears it.

    The echo is noise that falls by 60 dB within `reverb_s`, `reverb_db` below the direct sound in energy.
    """
    size = int(reverb_s * RATE_HZ)
    n = fast_length(len(dry) + size)
    tail = rng.standard_normal(size) * decay(size, reverb_s / 10)
    tail *= 10 ** (reverb_db / 20) / np.sqrt(np.sum(tail**2))
    tail[0] += 1.0
    hz = np.fft.rfftfreq(n, 1 / RATE_HZ)
    spectrum = np.fft.rfft(dry, n) * np.fft.rfft(tail, n) + np.fft.rfft(around, n)
    spectrum *= np.clip(hz / 1000.0, 0.05, 8.0) ** tilt
    return np.asarray(np.fft.irfft(spectrum, n)[: len(dry)])
