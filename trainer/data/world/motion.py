"""Where hands and tools are during an action: one function a motion family, all vectorised over time.

Positions are world pixels relative to the middle of the object, x to the right, y downwards, for a right-handed wearer.
Angles are radians clockwise; 0 lets a tool point away from the wearer. `sound.py` reads the same phase, so that picture
and sound keep step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trainer.data.world.actions import BY_LABEL
from trainer.data.world.script import Segment

Array = NDArray[np.float64]
SETTLE_S = 0.25


@dataclass
class Motion:
    """One entry a frame: hands [n, 2] px, tool angle [n] rad, size by height [n], lid or fold and flow [n] 0..1."""

    main_px: Array
    other_px: Array
    tool_rad: Array
    height: Array = field(default_factory=lambda: np.zeros(0))
    progress: Array = field(default_factory=lambda: np.zeros(0))
    flow: Array = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        n = len(self.main_px)
        self.height = self.height if len(self.height) else np.ones(n)
        self.progress = self.progress if len(self.progress) else np.zeros(n)
        self.flow = self.flow if len(self.flow) else np.zeros(n)


@dataclass(frozen=True)
class Rhythm:
    """Draws that shape one segment's motion: start phase, drift of the tempo, direction, and the held other hand."""

    phase_rad: float
    drift: float
    drift_hz: float
    direction_rad: float
    turn: int
    press_at: float
    other_px: tuple[float, float]


def rhythm(segment: Segment) -> Rhythm:
    """The draws depend on the segment's seed alone, not on its label: pairs that share a motion share it exactly."""
    rng = np.random.default_rng([segment.seed, 1])
    return Rhythm(
        phase_rad=float(rng.uniform(0, 2 * np.pi)),
        drift=float(rng.uniform(0.1, 0.5)),
        drift_hz=float(rng.uniform(0.15, 0.4)),
        direction_rad=float(rng.normal(0, 0.35)),
        turn=1 if rng.random() < 0.6 else -1,
        press_at=float(rng.uniform(0.35, 0.6)),
        other_px=(float(rng.uniform(-68, -44)), float(rng.uniform(-6, 30))) if rng.random() < 0.75 else (-105.0, 110.0),
    )


def phase_rad(segment: Segment, tau_s: Array) -> Array:
    """Phase of the repeated movement, `tau_s` seconds after the start; the tempo drifts slowly."""
    r = rhythm(segment)
    wander = r.drift * np.sin(2 * np.pi * r.drift_hz * tau_s + r.phase_rad)
    return 2 * np.pi * segment.rate_hz * tau_s + r.phase_rad + wander


def beat_times_s(segment: Segment, cycles: float = 1.0) -> Array:
    """Times after the start at which the phase passes every `cycles` of a full turn (the far end of a stroke)."""
    tau_s = np.arange(0.0, segment.end_s - segment.start_s, 0.002)
    turns = (phase_rad(segment, tau_s) - np.pi / 2) / (2 * np.pi * cycles)
    return tau_s[1:][np.diff(np.floor(turns)) > 0]


def smooth(x: Array) -> Array:
    """Smooth step from 0 to 1 with flat ends (minimum jerk)."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * x * (10 - 15 * x + 6 * x * x)


def _xy(x: Array | float, y: Array | float, n: int) -> Array:
    return np.stack([np.broadcast_to(x, n), np.broadcast_to(y, n)], 1).astype(np.float64)


def _held(segment: Segment, n: int) -> Array:
    return _xy(*rhythm(segment).other_px, n)


def _strokes(s: Segment, phase: Array, part: Array, ramp: Array) -> Motion:
    wave = ramp * s.amplitude_px
    main = _xy(20 + 0.2 * wave * np.sin(phase) + 14 * (part - 0.5), 30 + wave * np.sin(phase), len(part))
    return Motion(main, _held(s, len(part)), np.full(len(part), -0.45), 1 + 0.05 * ramp * np.cos(phase))


def _circles(s: Segment, phase: Array, part: Array, ramp: Array) -> Motion:
    r, wave = rhythm(s), ramp * s.amplitude_px
    main = _xy(
        wave * np.cos(r.turn * phase) + 16 * np.sin(3 * part), 6 + 0.7 * wave * np.sin(r.turn * phase), len(part)
    )
    return Motion(main, _held(s, len(part)), np.zeros(len(part)))


def _stir(s: Segment, phase: Array, part: Array, ramp: Array) -> Motion:
    r, wave = rhythm(s), ramp * s.amplitude_px
    x, y = wave * np.cos(r.turn * phase), 0.7 * wave * np.sin(r.turn * phase)
    return Motion(_xy(20 + x, 30 + y, len(part)), _held(s, len(part)), -0.5 + 0.008 * x)


def _lines(s: Segment, phase: Array, part: Array, ramp: Array) -> Motion:
    r, wave = rhythm(s), ramp * s.amplitude_px * np.sin(phase)
    across = 22 * (part - 0.5)
    x, y = wave * np.cos(r.direction_rad) + 0.3 * across, wave * np.sin(r.direction_rad) + across
    return Motion(_xy(20 + x, 30 + y, len(part)), _held(s, len(part)), -0.4 + 0.004 * x)


def _tilt(s: Segment, phase: Array, part: Array, ramp: Array) -> Motion:
    length_s = s.end_s - s.start_s
    tilt = smooth(part * length_s / 0.5) * smooth((1 - part) * length_s / 0.45)
    main = _xy(64 + s.amplitude_px * np.sin(phase), -34 + 0.5 * s.amplitude_px * np.cos(phase), len(part))
    return Motion(
        main, _held(s, len(part)), 0.15 - 1.45 * tilt, np.full(len(part), 1.08), flow=(tilt > 0.6).astype(float)
    )


def _pinch(s: Segment, phase: Array, part: Array, ramp: Array) -> Motion:
    wave = ramp * s.amplitude_px
    main = _xy(
        wave * np.sin(phase) + 24 * np.sin(4 * part),
        -20 + 0.6 * wave * np.cos(phase) + 12 * np.cos(3 * part),
        len(part),
    )
    return Motion(main, _held(s, len(part)), np.zeros(len(part)), np.full(len(part), 1.1), flow=ramp)


def _twist(s: Segment, phase: Array, part: Array, ramp: Array) -> Motion:
    push = s.amplitude_px * (smooth(2.5 * part) - 0.3)
    main = _xy(10 + 1.5 * np.sin(phase) * ramp, 36 - push + ramp * np.cos(phase), len(part))
    return Motion(main, _held(s, len(part)), -0.2 + 0.2 * ramp * np.sin(phase))


def _oscillate(s: Segment, phase: Array, part: Array, ramp: Array) -> Motion:
    r, wave = rhythm(s), ramp * s.amplitude_px * np.sin(phase)
    main = _xy(16 + wave * np.sin(r.direction_rad), -4 + wave * np.cos(r.direction_rad), len(part))
    return Motion(main, _xy(-90, 70, len(part)), 0.2 + 0.01 * wave, np.full(len(part), 1.15))


def _fold(s: Segment, phase: Array, part: Array, ramp: Array) -> Motion:
    inwards = smooth((part - 0.12) / 0.7)
    x = s.amplitude_px * np.cos(np.pi * 0.92 * inwards)
    lift = -26 * np.sin(np.pi * inwards)
    return Motion(
        _xy(np.maximum(x, -6) + 10, 16 + lift, len(part)),
        _xy(-np.maximum(x, -6) - 10, 16 + lift, len(part)),
        np.zeros(len(part)),
        1 + 0.08 * np.sin(np.pi * inwards),
        progress=inwards,
    )


def _swing(s: Segment, phase: Array, part: Array, ramp: Array) -> Motion:
    away = smooth((part - 0.15) / 0.65)
    main = _xy(4 + s.amplitude_px * away, 24 - 46 * np.sin(np.pi * 0.75 * away), len(part))
    return Motion(main, _held(s, len(part)), np.zeros(len(part)), 1 + 0.1 * np.sin(np.pi * away), progress=away)


def _press(s: Segment, phase: Array, part: Array, ramp: Array) -> Motion:
    tau_s = (part - rhythm(s).press_at) * (s.end_s - s.start_s)
    push = np.exp(-((tau_s / 0.16) ** 2))
    far = smooth(np.abs(tau_s) / 0.9)
    main = _xy(6 + 10 * far, 8 + s.amplitude_px * (1 - push) * 0.6 + 20 * far, len(part))
    return Motion(main, _xy(-95, 80, len(part)), np.zeros(len(part)), 1.06 - 0.08 * push)


_FAMILIES: dict[str, Callable[[Segment, Array, Array, Array], Motion]] = {
    "strokes": _strokes,
    "circles": _circles,
    "stir": _stir,
    "lines": _lines,
    "tilt": _tilt,
    "pinch": _pinch,
    "twist": _twist,
    "oscillate": _oscillate,
    "fold": _fold,
    "swing": _swing,
    "press": _press,
}


def action_motion(segment: Segment, tau_s: Array) -> Motion:
    """Motion of `segment` at `tau_s` [n] seconds after its start (0 .. its length)."""
    action = BY_LABEL[segment.label]
    length_s = segment.end_s - segment.start_s
    tau_s = length_s - tau_s if action.time_reversed else tau_s
    part = tau_s / length_s
    ramp = smooth(tau_s / SETTLE_S) * smooth((length_s - tau_s) / SETTLE_S)
    motion = _FAMILIES[action.motion](segment, phase_rad(segment, tau_s), part, ramp)
    if action.shiver_px:
        motion.main_px = motion.main_px + np.random.default_rng([segment.seed, 2]).normal(
            0, action.shiver_px, (len(part), 2)
        )
    return motion


def press_time_s(segment: Segment) -> float:
    """Moment of the press or of the lid's start, seconds after the segment's start."""
    return rhythm(segment).press_at * (segment.end_s - segment.start_s)
