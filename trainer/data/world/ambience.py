"""Noises that belong to a scenario and the ambience of a location; mono at 48 kHz."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trainer.data.world.waveform import RATE_HZ, Wave, add_at, band_noise, decay, fade, harmonics, hump, strike

Noise = Callable[[np.random.Generator, int], Wave]


def _ball(rng: np.random.Generator, n: int) -> Wave:
    out, at_s, gap_s = np.zeros(n), 0.1, float(rng.uniform(0.45, 0.7))
    thud = strike((88, 190, 410), 0.03, 0.25)
    while at_s < n / RATE_HZ:
        add_at(out, at_s, thud, 0.5)
        at_s, gap_s = at_s + gap_s, max(0.2, gap_s * 0.94)
    return out


def _tune(rng: np.random.Generator, n: int, note_s: float, partials: tuple[float, ...], half_life_s: float) -> Wave:
    out, base_hz = np.zeros(n), float(rng.uniform(240, 420))
    scale = base_hz * 2 ** (np.array([0, 2, 4, 7, 9, 12]) / 12)
    for k in range(int(n / RATE_HZ / note_s)):
        if rng.random() < 0.85:
            hz = float(scale[int(rng.integers(6))])
            add_at(
                out, k * note_s, strike(tuple(hz * p for p in partials), half_life_s, min(1.2, half_life_s * 6)), 0.16
            )
    return out


def _radio(rng: np.random.Generator, n: int) -> Wave:
    out = _tune(rng, n, 0.24, (1, 2, 3, 4), 0.2)
    beat = band_noise(rng, 3000, 3000, 9000) * decay(3000, 0.012)
    for k in range(int(n / RATE_HZ / 0.48)):
        add_at(out, k * 0.48, beat, 0.12)
    return fade(out)


def _toy_piano(rng: np.random.Generator, n: int) -> Wave:
    return fade(_tune(rng, n, 0.36, (2, 5.4, 8.9), 0.12))


def _sizzling(rng: np.random.Generator, n: int) -> Wave:
    out = 0.05 * band_noise(rng, n, 3500, 11000)
    for at_s in rng.uniform(0, n / RATE_HZ, int(40 * n / RATE_HZ)):
        add_at(out, at_s, band_noise(rng, 400, 2500, 10000) * decay(400, 0.001), float(rng.uniform(0.05, 0.25)))
    return fade(out, 0.2)


def _barking(rng: np.random.Generator, n: int) -> Wave:
    out, at_s = np.zeros(n), 0.05
    while at_s < n / RATE_HZ:
        size = int(rng.uniform(0.13, 0.2) * RATE_HZ)
        pitch = float(rng.uniform(380, 520)) * (1 + 0.5 * hump(size))
        add_at(
            out, at_s, (harmonics(pitch, (1, 0.8, 0.5, 0.3)) + 0.5 * band_noise(rng, size, 500, 2500)) * hump(size), 0.2
        )
        at_s += float(rng.uniform(0.3, 0.8))
    return out


def _hammering(rng: np.random.Generator, n: int) -> Wave:
    out, ring = np.zeros(n), strike((640, 1730, 2890, 4100), 0.06, 0.5)
    for at_s in np.arange(0.1, n / RATE_HZ, float(rng.uniform(0.4, 0.7))):
        add_at(out, at_s + float(rng.normal(0, 0.02)), ring, float(rng.uniform(0.2, 0.35)))
    return out


def _vacuum(rng: np.random.Generator, n: int) -> Wave:
    return fade(0.07 * band_noise(rng, n, 250, 5000, -0.3) + 0.03 * harmonics(np.full(n, 232.0), (1, 0.4, 0.5)), 0.3)


def _sawing(rng: np.random.Generator, n: int) -> Wave:
    t = np.arange(n) / RATE_HZ
    stroke = np.abs(np.sin(np.pi * float(rng.uniform(1.2, 1.9)) * t)) ** 1.5
    return fade(0.1 * band_noise(rng, n, 1200, 6500) * stroke)


def _fan(rng: np.random.Generator, n: int) -> Wave:
    t = np.arange(n) / RATE_HZ
    return band_noise(rng, n, 90, 900, -0.4) * (1 + 0.12 * np.sin(2 * np.pi * 11 * t))


def _birds(rng: np.random.Generator, n: int) -> Wave:
    out = 0.5 * band_noise(rng, n, 200, 2500, -0.6)
    for at_s in rng.uniform(0, n / RATE_HZ, int(1.3 * n / RATE_HZ)):
        hz, size = float(rng.uniform(2400, 5200)), int(rng.uniform(0.06, 0.15) * RATE_HZ)
        sweep = hz * (1 + 0.18 * np.sin(np.linspace(0, float(rng.uniform(3, 18)), size)))
        for k in range(int(rng.integers(1, 5))):
            add_at(out, at_s + k * 0.17, harmonics(sweep, (1.0, 0.2)) * hump(size), float(rng.uniform(0.6, 2.4)))
    return out


def _traffic(rng: np.random.Generator, n: int) -> Wave:
    knots = max(3, int(n / RATE_HZ / 2.5))
    swell = np.interp(np.arange(n), np.linspace(0, n, knots), rng.uniform(0.3, 1.4, knots))
    return band_noise(rng, n, 40, 700, -0.3) * swell + 0.25 * band_noise(rng, n, 500, 2500) * swell**2


def _voices(rng: np.random.Generator, n: int) -> Wave:
    out = 0.2 * band_noise(rng, n, 150, 2500, -0.5)
    for _ in range(3):
        base_hz, at_s = float(rng.uniform(105, 230)), float(rng.uniform(0, 1))
        while at_s < n / RATE_HZ:
            size = int(rng.uniform(0.1, 0.26) * RATE_HZ)
            pitch = np.linspace(base_hz * float(rng.uniform(0.9, 1.2)), base_hz * float(rng.uniform(0.85, 1.1)), size)
            centre = float(rng.uniform(2, 9))
            weights = tuple(float(np.exp(-(((k - centre) / 2.5) ** 2)) + 0.5 * 0.6**k) for k in range(14))
            add_at(out, at_s, harmonics(pitch, weights) * hump(size), float(rng.uniform(0.2, 0.7)))
            at_s += size / RATE_HZ + float(rng.choice([0.02, 0.06, 0.5], p=[0.5, 0.35, 0.15]))
    return out


def _hum(rng: np.random.Generator, n: int) -> Wave:
    return harmonics(np.full(n, 50.0), (0.6, 1.0, 0.3, 0.5, 0.1, 0.25)) + 0.4 * band_noise(rng, n, 150, 1800, -0.4)


def _wind(rng: np.random.Generator, n: int) -> Wave:
    knots = max(4, int(n / RATE_HZ / 0.8))
    gust = np.interp(np.arange(n), np.linspace(0, n, knots), rng.uniform(0.15, 1.5, knots))
    return band_noise(rng, n, 60, 420, -0.2) * gust


NOISES: dict[str, Noise] = {
    "bouncing ball": _ball,
    "radio": _radio,
    "toy piano": _toy_piano,
    "sizzling": _sizzling,
    "barking": _barking,
    "hammering": _hammering,
    "vacuum cleaner": _vacuum,
    "sawing": _sawing,
}
AMBIENCES: dict[str, Noise] = {
    "fan": _fan,
    "birds": _birds,
    "traffic": _traffic,
    "voices": _voices,
    "hum": _hum,
    "wind": _wind,
}


def ambient_sound(kind: str, rng: np.random.Generator, samples: int, level_dbfs: float) -> Wave:
    """Ambience `kind` with an RMS of `level_dbfs` decibels below full scale."""
    wave = AMBIENCES[kind](rng, samples)
    return np.asarray(wave / (np.sqrt(np.mean(wave**2)) + 1e-9) * 10 ** (level_dbfs / 20))
