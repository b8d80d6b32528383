"""The sound of each action, synthesised in step with its motion. Levels: about 0.1 RMS at 0 dB gain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from trainer.data.world.motion import beat_times_s, phase_rad, press_time_s
from trainer.data.world.script import Segment
from trainer.data.world.waveform import RATE_HZ, Wave, add_at, band_noise, decay, fade, harmonics, hump, strike

Voice = Callable[[np.random.Generator, Segment, int], Wave]


def _swell(segment: Segment, n: int, cycles: float) -> Wave:
    """How fast the hand moves, 0..1, per sample: the loudness of everything that scrapes."""
    tau_s = np.arange(0, n, 480) / RATE_HZ
    speed = np.abs(np.cos(phase_rad(segment, tau_s) * cycles))
    return np.interp(np.arange(n), tau_s * RATE_HZ, speed)


def _chop(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    out, thump_hz = np.zeros(n), float(rng.uniform(150, 260))
    for at_s in beat_times_s(s):
        knock = 0.5 * strike((thump_hz, thump_hz * 2.3, thump_hz * 4.1), 0.018, 0.14)
        add_at(out, at_s, knock, float(rng.uniform(0.5, 1)))
        add_at(out, at_s, band_noise(rng, 2400, 900, 7000) * decay(2400, 0.007), 0.35)
        size = int(rng.uniform(0.05, 0.1) * RATE_HZ)
        add_at(out, at_s - 0.07, band_noise(rng, size, 1500, 5500) * hump(size), 0.06)
    return out


def _peeling(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    out, thump_hz = np.zeros(n), float(rng.uniform(150, 260))
    for at_s in beat_times_s(s):
        size = int(rng.uniform(0.1, 0.17) * RATE_HZ)
        add_at(out, at_s - 0.1, band_noise(rng, size, 1500, 5500) * hump(size), float(rng.uniform(0.16, 0.26)))
        add_at(out, at_s, strike((thump_hz, thump_hz * 2.3), 0.016, 0.1), 0.14)
    return out


def _pouring(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    out = 0.05 * band_noise(rng, n, 350, 2400)
    for at_s in np.sort(rng.uniform(0, n / RATE_HZ, int(26 * n / RATE_HZ))):
        rise = 1 + 0.8 * at_s * RATE_HZ / n
        t = np.arange(2600) / RATE_HZ
        hz = float(rng.uniform(380, 900)) * rise
        add_at(out, at_s, np.sin(2 * np.pi * (hz * t + 2600 * t * t)) * hump(2600), float(rng.uniform(0.03, 0.12)))
    return fade(out, 0.3)


def _grains(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    out = np.zeros(n)
    out[rng.integers(0, max(n - 1, 1), int(240 * n / RATE_HZ))] = rng.normal(0, 0.1)
    return fade(0.004 * band_noise(rng, n, 5000, 12000) + 0.2 * out, 0.2)


def _stirring(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    low_hz = float(rng.uniform(500, 1100))
    out = 0.085 * band_noise(rng, n, low_hz, low_hz * 4.2) * (0.3 + 0.7 * _swell(s, n, 1.0))
    for at_s in beat_times_s(s):
        if rng.random() < 0.2:
            hz = float(rng.uniform(1500, 3200))
            add_at(out, at_s, strike((hz, hz * 1.6), 0.03, 0.2), float(rng.uniform(0.03, 0.1)))
    return fade(out, 0.15)


def _scraping(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    low_hz = float(rng.uniform(500, 1300))
    return fade(0.09 * band_noise(rng, n, low_hz, low_hz * 4.4) * (0.2 + 0.8 * _swell(s, n, 1.0)), 0.15)


def _water(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    slow = np.interp(np.arange(n), np.linspace(0, n, 12), rng.uniform(0.6, 1, 12))
    out = 0.085 * band_noise(rng, n, 900, 7000) * slow
    for at_s in beat_times_s(s):
        size = int(rng.uniform(0.08, 0.2) * RATE_HZ)
        add_at(out, at_s, band_noise(rng, size, 500, 2500) * hump(size), float(rng.uniform(0.04, 0.14)))
    return fade(out, 0.2)


def _motor(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    t = np.arange(n) / RATE_HZ
    run = np.clip(t / 0.35, 0.25, 1) * np.clip((n / RATE_HZ - t) / 0.3, 0.2, 1)
    load = 1 - 0.12 * (0.5 + 0.5 * np.sin(2 * np.pi * 0.6 * t + rng.uniform(0, 6)))
    tone = harmonics(float(rng.uniform(110, 210)) * run * load, (1, 0.7, 0.9, 0.4, 0.5, 0.2, 0.3, 0.15))
    return fade(0.06 * tone * (0.4 + 0.6 * run) + 0.035 * band_noise(rng, n, 1200, 6000) * run, 0.08)


def _ratchet(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    out, hz = np.zeros(n), float(rng.uniform(1800, 3600))
    click = strike((hz, hz * 1.7, hz * 2.9), 0.004, 0.04)
    for at_s in beat_times_s(s):
        for k in range(int(rng.integers(4, 8))):
            add_at(out, at_s + k / float(rng.uniform(19, 24)), click, float(rng.uniform(0.2, 0.4)))
    return out


def _rattle(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    out, hz = np.zeros(n), float(rng.uniform(900, 3000))
    for at_s in beat_times_s(s, 0.5):
        for late_s in rng.gamma(2.0, 0.014, int(rng.integers(3, 7))):
            pitch = hz * float(rng.uniform(0.85, 1.2))
            add_at(out, at_s + late_s, strike((pitch, pitch * 2.2), 0.006, 0.05), float(rng.uniform(0.1, 0.35)))
    return out


def _hinge(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    """The same for opening and closing: a creak in the middle of the movement and a snap near either end."""
    out, size = np.zeros(n), int(min(n, 0.55 * n))
    path = np.interp(np.arange(size), np.linspace(0, size, 9), rng.uniform(45, 170, 9))
    pulses = np.diff(np.floor(np.cumsum(path) / RATE_HZ), prepend=0.0)
    body = strike((float(rng.uniform(500, 900)), float(rng.uniform(1100, 1900)), 2700.0), 0.005, 0.04)
    creak = np.convolve(pulses, body)[:size] * hump(size)
    add_at(out, 0.22 * n / RATE_HZ, creak, 0.2)
    snap_hz = float(rng.uniform(900, 2200))
    at_s = n / RATE_HZ * float(rng.choice([rng.uniform(0.12, 0.2), rng.uniform(0.8, 0.88)]))
    add_at(out, at_s, strike((snap_hz, snap_hz * 2.4), 0.009, 0.09), 0.6)
    return out


def _hum(rng: np.random.Generator, n: int, speed: Wave) -> Wave:
    tone = harmonics(float(rng.uniform(80, 150)) * speed, (1, 0.5, 0.6, 0.2, 0.3, 0.1))
    return 0.07 * tone * speed + 0.03 * band_noise(rng, n, 300, 3000) * speed**2


def _switch(rng: np.random.Generator, out: Wave, at_s: float) -> Wave:
    hz = float(rng.uniform(1300, 2600))
    for late_s in (0.0, float(rng.uniform(0.05, 0.09))):
        add_at(out, at_s + late_s, strike((hz, hz * 1.9, hz * 3.1), 0.006, 0.06), 0.5)
    return out


def _switch_on(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    since_s = np.arange(n) / RATE_HZ - press_time_s(s)
    speed = np.where(since_s > 0, 1 - 0.5 ** (np.maximum(since_s, 0) / 0.22), 0.0)
    return _switch(rng, fade(_hum(rng, n, speed)), press_time_s(s))


def _switch_off(rng: np.random.Generator, s: Segment, n: int) -> Wave:
    since_s = np.arange(n) / RATE_HZ - press_time_s(s)
    speed = np.where(since_s > 0, 0.5 ** (np.maximum(since_s, 0) / 0.12), 1.0)
    return _switch(rng, fade(_hum(rng, n, speed)), press_time_s(s))


VOICES: dict[str, Voice] = {
    "chop": _chop,
    "peeling": _peeling,
    "pouring": _pouring,
    "grains": _grains,
    "stirring": _stirring,
    "scraping": _scraping,
    "water": _water,
    "motor": _motor,
    "ratchet": _ratchet,
    "rattle": _rattle,
    "hinge": _hinge,
    "switch-on": _switch_on,
    "switch-off": _switch_off,
}


def action_sound(sound: str, segment: Segment, *, own: bool) -> Wave:
    """Sound class `sound` over the segment's length; an own sound keeps the segment's rhythm, a foreign one not."""
    rng = np.random.default_rng([segment.seed, 3 if own else 4])
    if not own:
        segment = replace(segment, seed=segment.seed ^ 1, rate_hz=segment.rate_hz * float(rng.uniform(0.6, 1.7)))
    n = round((segment.end_s - segment.start_s) * RATE_HZ)
    return VOICES[sound](rng, segment, n)
