from __future__ import annotations

import numpy as np
import pytest

from edge.spectrum import BANDS, LOWEST_HZ, bands_db

RATE_HZ = 16_000


@pytest.mark.parametrize("tone_hz", [150.0, 440.0, 1000.0, 3000.0, 7500.0])
def test_a_tone_is_the_highest_band_at_its_place(tone_hz: float) -> None:
    bands = bands_db(np.sin(2 * np.pi * tone_hz * np.arange(1600) / RATE_HZ).astype(np.float32), RATE_HZ)
    assert len(bands) == BANDS
    place = BANDS * np.log(tone_hz / LOWEST_HZ) / np.log(RATE_HZ / 2 / LOWEST_HZ)
    assert abs(int(np.argmax(bands)) - place) <= 1.5
    assert -2 < max(bands) < 0.5


def test_silence_is_the_floor() -> None:
    assert set(bands_db(np.zeros(1600, np.float32), RATE_HZ)) == {-120.0}
