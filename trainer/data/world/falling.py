"""Things in the air: the liquid of a pouring hand and the grains of a sprinkling one."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.data.world.domains import Location, Rgb
from trainer.data.world.sprite import Map, Picture, Point

_SHIFT = 4
_WATER: Rgb = (206, 228, 242)
_LIQUIDS: dict[str, Rgb] = {"Mechanic": (54, 42, 24), "Playing": (236, 206, 120), "Building": (168, 170, 168)}
_GRAIN_RGB: Rgb = (250, 246, 230)
_FALL_S, _FPS = 0.45, 30


def _pixels(view: Map, points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint((points @ view[:, :2].T + view[:, 2]) * (1 << _SHIFT)).astype(np.int32)


def _lit(rgb: Rgb, location: Location, gain: float) -> tuple[float, ...]:
    return tuple(np.clip(np.array(rgb) * location.light_gain * gain, 0, 255).tolist())


def draw_stream(
    frame: Picture, view: Map, spout: Point, end: Point, index: int, scenario: str, location: Location
) -> None:
    """Liquid from `spout` to `end` (world px) in frame number `index`: wavering, with drops where it lands."""
    rgb = _LIQUIDS.get(scenario, _WATER)
    u = np.linspace(0, 1, 8)
    x = spout[0] + (end[0] - spout[0]) * np.sqrt(u) + 1.1 * u * np.sin(index * 1.9 + 5 * u)
    path = _pixels(view, np.stack([x, spout[1] + (end[1] - spout[1]) * u**1.4], 1))
    for thickness, gain, shift in ((8, 0.62, 0), (6, 0.86, 0), (2, 1.15, -16)):
        cv2.polylines(
            frame,
            [path + np.array([shift, 0], np.int32)],
            False,
            _lit(rgb, location, gain),
            thickness,
            cv2.LINE_AA,
            _SHIFT,
        )
    k = np.arange(6)
    splash = np.array(end) + (3 + 1.6 * k[:, None]) * np.stack(
        [np.cos(7 * k + index), 0.6 * np.sin(5 * k + 2.0 * index)], 1
    )
    for px, py in _pixels(view, splash).tolist():
        cv2.circle(frame, (px, py), 22, _lit(rgb, location, 0.95), -1, cv2.LINE_AA, _SHIFT)


def draw_grains(
    frame: Picture, view: Map, fingers: Point, index: int, seeds: NDArray[np.float64], location: Location
) -> None:
    """Grains below `fingers` (world px); `seeds` [n, 3] in 0..1 tell them apart."""
    age = (seeds[:, 2] + index / _FPS / _FALL_S) % 1.0
    x = fingers[0] + (seeds[:, 0] - 0.5) * (5 + 24 * age)
    y = fingers[1] + 3 + 34 * age * (0.4 + 0.6 * age) + 8 * (seeds[:, 1] - 0.5) * age
    colour = _lit(_GRAIN_RGB, location, 1.0)
    for (px, py), seed in zip(_pixels(view, np.stack([x, y], 1)).tolist(), seeds, strict=True):
        cv2.circle(frame, (px, py), 15 + int(9 * seed[1]), colour, -1, cv2.LINE_AA, _SHIFT)
