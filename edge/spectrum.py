"""The spectrum that a view shows beside the sound level: some bands, equally wide in octaves."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

BANDS = 32
LOWEST_HZ = 100.0
_FLOOR_DB = -120.0


def level_db(samples: NDArray[np.float32]) -> float | None:
    """RMS of float32 [n] in dB full scale; None for no sound at all (exact zeros)."""
    rms = float(np.sqrt(np.mean(samples**2)))
    return 20 * float(np.log10(rms)) if rms > 0 else None


def bands_db(samples: NDArray[np.float32], rate_hz: int) -> tuple[float, ...]:
    """Loudest line of each of BANDS bands from LOWEST_HZ to half the rate, in dB full scale (a full sine has 0).

    `samples` float32 [n] in [-1, 1], some hundred at least; a Hann window is laid over them.
    """
    window = np.hanning(len(samples))
    magnitudes = np.abs(np.fft.rfft(samples * window)) * 2 / window.sum()
    edges_hz = np.geomspace(LOWEST_HZ, rate_hz / 2, BANDS + 1)
    lines = np.round(edges_hz * len(samples) / rate_hz).astype(int)
    loudest = [magnitudes[a : max(a + 1, b)].max() for a, b in pairwise(lines)]
    return tuple(float(20 * np.log10(m)) if m > 1e-6 else _FLOOR_DB for m in loudest)
