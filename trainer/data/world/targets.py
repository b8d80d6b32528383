"""Drawings of the things that are worked on. The anchor is the point where the tool works."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.data.world.domains import Location, Rgb, rng_for
from trainer.data.world.sprite import Easel, Sprite, shade


@dataclass(frozen=True)
class Target:
    """A thing on the worktop: its fixed part and, where it has one, the part that moves (lid, or flap of a sheet)."""

    body: Sprite
    lid: Sprite | None = None
    flap: Sprite | None = None


def _vessel(e: Easel, rgb: Rgb, rx: float, ry: float, depth: float, filling: Rgb) -> None:
    e.ellipse((0, depth), (rx * 0.8, ry * 0.8), shade(rgb, 0.72), bevel_px=12)
    e.polygon([(-rx, 0), (rx, 0), (rx * 0.8, depth), (-rx * 0.8, depth)], shade(rgb, 0.9), bevel_px=12)
    e.ellipse((0, 0), (rx, ry), rgb, bevel_px=4)
    e.ellipse((0, 1), (rx * 0.87, ry * 0.85), shade(rgb, 0.6), bevel_px=6)
    e.ellipse((0, 4), (rx * 0.76, ry * 0.68), filling, bevel_px=5)


def draw_target(target: str, rgb: Rgb, location: Location) -> Target:
    """Drawing of the object called `target` in the colour `rgb`. Raises ValueError for an unknown name."""
    e, dark, light = Easel(110, 90, 110, 90), shade(rgb, 0.7), shade(rgb, 1.22)
    lid: Sprite | None = None
    flap: Sprite | None = None
    if target == "round":
        e.polygon([(-66, -30), (66, -30), (72, 40), (-72, 40)], (186, 150, 104), round_px=3)
        e.ellipse((-4, 0), (32, 27), rgb, bevel_px=16)
        e.ellipse((-14, -10), (7, 4), light, angle_deg=-30, bevel_px=3, edge=0)
    elif target == "long":
        e.polygon([(-74, -28), (74, -28), (80, 38), (-80, 38)], (200, 172, 130), round_px=3)
        e.limb([(-62, 4), (58, -2)], 11, rgb)
        e.limb([(-40, 0), (-38, 8)], 1, dark, edge=0)
        e.limb([(10, -4), (12, 5)], 1, dark, edge=0)
    elif target == "slab":
        e.polygon([(-72, -42), (72, -42), (82, 44), (-82, 44)], rgb, round_px=2, bevel_px=5)
        e.polygon([(-82, 44), (82, 44), (82, 52), (-82, 52)], dark, bevel_px=2)
        e.ellipse((-30, 8), (10, 5), shade(rgb, 0.88), bevel_px=3, edge=0)
        e.ellipse((34, -16), (7, 4), shade(rgb, 1.1), bevel_px=3, edge=0)
    elif target in ("bowl", "pot", "bucket", "cup"):
        rx, ry, depth = {"bowl": (54, 36, 24), "pot": (44, 28, 40), "bucket": (50, 32, 44), "cup": (28, 19, 28)}[target]
        filling: Rgb = (92, 66, 44) if target == "pot" else (236, 222, 190) if target == "bowl" else (150, 176, 190)
        _vessel(e, rgb, rx, ry, depth, filling)
    elif target == "pan":
        e.limb([(44, 26), (98, 62)], 7, shade(rgb, 0.6))
        _vessel(e, rgb, 60, 42, 10, (112, 92, 60))
    elif target == "tray":
        e.polygon([(-76, -42), (76, -42), (84, 46), (-84, 46)], rgb, round_px=6)
        e.polygon([(-66, -33), (66, -33), (72, 36), (-72, 36)], dark, round_px=3, bevel_px=8)
    elif target in ("box", "jar"):
        wide = 58.0 if target == "box" else 32.0
        top = Easel(90, 70, 90, 70)
        if target == "box":
            e.polygon([(-wide, -34), (wide, -34), (wide + 6, 50), (-wide - 6, 50)], dark, round_px=3)
            e.polygon([(-wide + 8, -26), (wide - 8, -26), (wide - 4, 26), (-wide + 4, 26)], (40, 36, 34), bevel_px=9)
            top.polygon([(-wide - 3, -38), (wide + 3, -38), (wide + 8, 34), (-wide - 8, 34)], rgb, round_px=4)
            top.polygon([(-12, 18), (12, 18), (12, 28), (-12, 28)], light, round_px=2, bevel_px=3)
        else:
            e.polygon([(-30, 0), (30, 0), (28, 58), (-28, 58)], shade(rgb, 0.85), round_px=5, bevel_px=12)
            e.ellipse((0, 0), (wide, 20), light, bevel_px=4)
            e.ellipse((0, 1), (wide - 5, 16), (58, 40, 34), bevel_px=6)
            top.ellipse((0, 2), (wide + 3, 23), shade(rgb, 0.8), bevel_px=5)
            top.ellipse((0, -3), (wide + 2, 21), rgb, bevel_px=7)
        lid = top.sprite(location)
    elif target == "sheet":
        e.polygon([(-34, -46), (34, -46), (34, 50), (-34, 50)], rgb, round_px=1, bevel_px=3)
        side = Easel(10, 70, 80, 70)
        side.polygon([(0, -46), (48, -44), (50, 48), (0, 50)], shade(rgb, 0.93), round_px=1, bevel_px=4)
        flap = side.sprite(location, shadow_scale=0.3)
    elif target == "panel":
        e.polygon([(-70, -44), (70, -44), (78, 48), (-78, 48)], rgb, round_px=5, bevel_px=8)
        e.polygon([(-58, -34), (14, -34), (16, -12), (-60, -12)], shade(rgb, 0.5), round_px=2, bevel_px=4)
        for x in (-48, -28, -8):
            e.ellipse((x, 22), (7, 6), dark, bevel_px=3)
        e.ellipse((0, 0), (15, 13), shade(rgb, 0.55), bevel_px=3)
        e.ellipse((0, 0), (11, 9), (206, 70, 56), bevel_px=4)
    elif target != "none":
        raise ValueError(f"unknown target {target!r}")
    e.speckle(rng_for(0, "target", target), 0.05)
    return Target(e.sprite(location, shadow_scale=0.9), lid, flap)
