"""Sprites: drawings with an alpha channel, made once a video and stamped into every frame by an affine map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.data.world.domains import Location, Rgb

Point = tuple[float, float]
Picture = NDArray[np.uint8]
Map = NDArray[np.float64]
SCALE = 2
_SHIFT = 4


@dataclass(frozen=True)
class Sprite:
    """rgb uint8 [h, w, 3], alpha float32 [h, w] in 0..1, anchor (x, y) sprite px; SCALE sprite px are a world px."""

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    anchor: Point


def shade(rgb: Rgb, gain: float) -> Rgb:
    """Darker (`gain` below 1) or lighter colour."""
    r, g, b = (min(255, round(c * gain)) for c in rgb)
    return r, g, b


def pose(x: float, y: float, angle_rad: float = 0.0, sx: float = 1.0, sy: float = 1.0) -> Map:
    """2x3 map: scale, turn clockwise by `angle_rad`, then move the origin to (x, y)."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c * sx, -s * sy, x], [s * sx, c * sy, y]])


def chain(outer: Map, inner: Map) -> Map:
    """The 2x3 map that applies `inner` first, then `outer`."""
    return np.hstack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2:] + outer[:, 2:]])


def stamp(frame: Picture, sprite: Sprite, place: Map) -> None:
    """Blend `sprite` into `frame` (uint8 [h, w, 3]) in place; `place` maps world px around the anchor to frame px."""
    ax, ay = sprite.anchor
    full = chain(place, np.array([[1 / SCALE, 0, -ax / SCALE], [0, 1 / SCALE, -ay / SCALE]]))
    h, w = sprite.alpha.shape
    corners = full[:, :2] @ np.array([[0, w, w, 0], [0, 0, h, h]], float) + full[:, 2:]
    left, top = np.maximum(np.floor(corners.min(1)).astype(int), 0)
    right = min(int(np.ceil(corners[0].max())), frame.shape[1])
    bottom = min(int(np.ceil(corners[1].max())), frame.shape[0])
    if right - left < 1 or bottom - top < 1:
        return
    full[:, 2] -= (left, top)
    size = (int(right - left), int(bottom - top))
    rgb = cv2.warpAffine(sprite.rgb, full, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(sprite.alpha, full, size, flags=cv2.INTER_LINEAR)
    region = frame[top:bottom, left:right]
    region[:] = cv2.blendLinear(region, rgb, 1.0 - alpha, alpha)


class Easel:
    """A canvas of parts drawn from back to front; each part is shaded like a soft solid lit from the upper left."""

    def __init__(
        self, left_px: float, up_px: float, right_px: float, down_px: float, *, mirrored: bool = False
    ) -> None:
        self._origin = np.array([left_px, up_px]) * SCALE
        size = (int((up_px + down_px) * SCALE), int((left_px + right_px) * SCALE))
        self._rgb = np.zeros((*size, 3), np.float32)
        self._alpha = np.zeros(size, np.float32)
        self._mirrored = mirrored

    def _pixels(self, points: Sequence[Point]) -> NDArray[np.int32]:
        scaled = np.asarray(points, np.float64) * SCALE + self._origin
        return np.rint(scaled * (1 << _SHIFT)).astype(np.int32)

    def polygon(
        self, points: Sequence[Point], rgb: Rgb, *, bevel_px: float = 5, round_px: float = 0, edge: float = 0.25
    ) -> None:
        """Filled polygon: `round_px` rounds corners, `edge` darkens the outline, `bevel_px` is the shading's width."""
        mask = np.zeros(self._alpha.shape, np.uint8)
        pixels = self._pixels(points)
        cv2.fillPoly(mask, [pixels], 255, cv2.LINE_AA, _SHIFT)
        if round_px > 0:
            thickness = max(1, round(2 * round_px * SCALE))
            cv2.polylines(mask, [pixels], True, 255, thickness, cv2.LINE_AA, _SHIFT)
        self._part(mask, rgb, bevel_px, edge)

    def limb(self, joints: Sequence[Point], radius_px: float, rgb: Rgb, *, edge: float = 0.25) -> None:
        """A round-ended thick line through `joints`: fingers, handles, rods."""
        mask = np.zeros(self._alpha.shape, np.uint8)
        cv2.polylines(
            mask, [self._pixels(joints)], False, 255, max(1, round(2 * radius_px * SCALE)), cv2.LINE_AA, _SHIFT
        )
        self._part(mask, rgb, radius_px * 0.8, edge)

    def ellipse(
        self, centre: Point, axes: Point, rgb: Rgb, *, angle_deg: float = 0, bevel_px: float = 6, edge: float = 0.25
    ) -> None:
        """Filled ellipse with half axes `axes`."""
        turn = np.deg2rad(angle_deg)
        t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        x, y = axes[0] * np.cos(t), axes[1] * np.sin(t)
        xs = centre[0] + x * np.cos(turn) - y * np.sin(turn)
        ys = centre[1] + x * np.sin(turn) + y * np.cos(turn)
        self.polygon(list(zip(xs.tolist(), ys.tolist(), strict=True)), rgb, bevel_px=bevel_px, edge=edge)

    def _part(self, mask: NDArray[np.uint8], rgb: Rgb, bevel_px: float, edge: float) -> None:
        x, y, w, h = cv2.boundingRect(mask)
        if w == 0 or h == 0:
            return
        pad = int(2 * bevel_px * SCALE) + 2
        rows, cols = slice(max(0, y - pad), y + h + pad), slice(max(0, x - pad), x + w + pad)
        alpha = mask[rows, cols].astype(np.float32) / 255
        soft = cv2.GaussianBlur(alpha, (0, 0), max(0.6, bevel_px * SCALE * 0.5))
        slope = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3) + 1.3 * cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3)
        light = 1 + np.clip(slope * bevel_px * SCALE * 0.11, -0.34, 0.3) - edge * (1 - np.clip(soft * 2 - 1, 0, 1)) ** 2
        colour = np.clip(np.array(rgb, np.float32) * light[..., None], 0, 255)
        self._rgb[rows, cols] += (colour - self._rgb[rows, cols]) * alpha[..., None]
        self._alpha[rows, cols] = np.maximum(self._alpha[rows, cols], alpha)

    def speckle(self, rng: np.random.Generator, strength: float) -> None:
        """Uneven surface: multiplies the colours by soft noise of relative size `strength`."""
        noise = cv2.GaussianBlur(rng.standard_normal(self._alpha.shape).astype(np.float32), (0, 0), 1.6)
        self._rgb *= (1 + strength * noise * 4)[..., None]

    def sprite(self, location: Location, *, shadow_scale: float = 1.0) -> Sprite:
        """Tint by the place's light, put a soft shadow below, crop, freeze. `shadow_scale` 0 leaves the shadow out."""
        rgb, alpha, origin = self._rgb, self._alpha, self._origin
        if self._mirrored:
            rgb, alpha = rgb[:, ::-1], alpha[:, ::-1]
            origin = np.array([alpha.shape[1] - 1 - origin[0], origin[1]])
        rgb = rgb * np.array(location.light_gain, np.float32)
        shadow = np.zeros_like(alpha)
        if shadow_scale > 0:
            dx, dy = (v * SCALE * shadow_scale for v in location.shadow_offset_px)
            moved = cv2.warpAffine(alpha, np.array([[1, 0, dx], [0, 1, dy]]), alpha.shape[::-1])
            shadow = cv2.GaussianBlur(moved, (0, 0), 4.0 * SCALE * max(shadow_scale, 0.4)) * location.shadow
        out_alpha = alpha + shadow * (1 - alpha)
        out_rgb = rgb * (alpha / np.maximum(out_alpha, 1e-6))[..., None]
        x, y, w, h = cv2.boundingRect((out_alpha > 0.004).astype(np.uint8))
        box = (slice(y, y + h), slice(x, x + w))
        return Sprite(
            np.ascontiguousarray(np.clip(out_rgb[box], 0, 255).astype(np.uint8)),
            np.ascontiguousarray(out_alpha[box], np.float32),
            (float(origin[0] - x), float(origin[1] - y)),
        )
