"""Drawings of tools. The anchor is where the hand holds them; the working end points up."""

from __future__ import annotations

from trainer.data.world.domains import Location, Rgb, rng_for
from trainer.data.world.sprite import Easel, Sprite, shade

STEEL: Rgb = (196, 202, 208)
_WOOD: Rgb = (158, 112, 66)
_DARK: Rgb = (44, 46, 50)
SPOUT_PX: dict[str, float] = {"jug": 34, "bottle": 52, "can": 44, "cup": 28, "bucket_tool": 34}


def _handle(easel: Easel, rgb: Rgb, length_px: float = 30, radius_px: float = 5.5) -> None:
    easel.limb([(0, -8), (0, length_px)], radius_px, rgb)


def draw_tool(tool: str, rgb: Rgb, location: Location) -> Sprite:
    """Sprite of the tool called `tool` in the colour `rgb`. Raises ValueError for an unknown name."""
    e = Easel(60, 90, 60, 70)
    if tool == "knife":
        e.polygon([(-5, -12), (5, -12), (6, -52), (0, -66), (-5, -50)], STEEL, bevel_px=4)
        _handle(e, rgb)
    elif tool == "peeler":
        e.limb([(0, -10), (-9, -22), (-9, -40)], 2, STEEL)
        e.limb([(0, -10), (9, -22), (9, -40)], 2, STEEL)
        e.polygon([(-12, -38), (12, -38), (12, -45), (-12, -45)], STEEL, bevel_px=2)
        _handle(e, rgb)
    elif tool == "shears":
        e.polygon([(-3, -10), (4, -14), (-4, -58), (-10, -50)], STEEL, bevel_px=3)
        e.polygon([(3, -10), (-4, -14), (6, -58), (11, -48)], (168, 174, 180), bevel_px=3)
        e.limb([(0, -12), (-12, 28)], 5, rgb)
        e.limb([(0, -12), (12, 28)], 5, rgb)
    elif tool == "saw":
        e.polygon([(-4, -10), (12, -10), (4, -84), (-4, -84)], STEEL, bevel_px=3)
        e.polygon([(-14, -12), (16, -12), (14, 24), (-8, 28)], rgb, round_px=4)
    elif tool == "spoon":
        e.limb([(0, 30), (0, -34)], 3.6, rgb)
        e.ellipse((0, -46), (9, 13), rgb)
    elif tool == "stick":
        e.limb([(0, 34), (0, -54)], 3.6, rgb)
    elif tool == "brush":
        e.limb([(0, 32), (0, -18)], 4.4, rgb)
        e.polygon([(-10, -18), (10, -18), (10, -28), (-10, -28)], STEEL, bevel_px=3)
        e.polygon([(-10, -28), (10, -28), (13, -50), (-13, -50)], (226, 206, 160), bevel_px=4)
    elif tool == "spatula":
        e.limb([(0, 32), (0, -22)], 4, rgb)
        e.polygon([(-5, -20), (5, -20), (12, -54), (-12, -54)], rgb, bevel_px=3, round_px=1)
    elif tool == "scraper":
        _handle(e, rgb, 30, 7)
        e.polygon([(-6, -8), (6, -8), (20, -50), (-20, -50)], STEEL, bevel_px=4)
    elif tool == "trowel":
        _handle(e, _WOOD, 30, 6)
        e.limb([(0, -6), (0, -20)], 2.6, STEEL)
        e.polygon([(-13, -22), (13, -22), (10, -44), (0, -60), (-10, -44)], rgb, bevel_px=6)
    elif tool == "sponge":
        e.polygon([(-28, -16), (28, -16), (28, 18), (-28, 18)], rgb, round_px=4, bevel_px=6)
        e.polygon([(-28, -16), (28, -16), (28, -8), (-28, -8)], (70, 140, 80), round_px=3, bevel_px=3)
    elif tool == "cloth":
        e.polygon(
            [(-36, -18), (-10, -28), (24, -22), (38, -2), (26, 20), (-4, 26), (-34, 14)], rgb, round_px=5, bevel_px=9
        )
        e.limb([(-24, -10), (4, 4), (22, -8)], 1.6, shade(rgb, 0.82), edge=0)
    elif tool == "drill":
        e.limb([(0, -44), (0, -72)], 1.8, STEEL)
        e.polygon([(-6, -36), (6, -36), (4, -48), (-4, -48)], _DARK, bevel_px=3)
        e.polygon([(-13, 12), (13, 12), (12, -36), (-12, -36)], rgb, round_px=4, bevel_px=8)
        e.polygon([(-8, 6), (12, 6), (18, 40), (0, 42)], _DARK, round_px=3)
    elif tool == "screwdriver":
        e.limb([(0, -12), (0, -60)], 2.2, STEEL)
        e.limb([(0, -8), (0, 26)], 7.5, rgb)
    elif tool == "wrench":
        e.limb([(0, 40), (0, -34)], 4.6, rgb)
        e.ellipse((0, -42), (12, 12), rgb)
        e.ellipse((0, -42), (5, 5), _DARK, bevel_px=2)
    elif tool in ("jug", "cup", "bucket_tool"):
        w, top = (24, -34) if tool != "cup" else (17, -28)
        e.polygon([(-w, 28), (w, 28), (w + 4, top), (-w - 4, top)], rgb, round_px=4, bevel_px=10)
        e.ellipse((0, top), (w + 4, 7), shade(rgb, 0.55), bevel_px=3)
        if tool == "jug":
            e.limb([(w + 2, -16), (w + 16, -8), (w + 14, 12), (w, 18)], 3.5, rgb)
    elif tool == "bottle":
        e.polygon([(-16, 42), (16, 42), (16, -18), (7, -34), (-7, -34), (-16, -18)], rgb, round_px=3, bevel_px=9)
        e.limb([(0, -36), (0, -48)], 6, (236, 236, 232))
        e.polygon([(-16, 6), (16, 6), (16, 26), (-16, 26)], (240, 238, 230), bevel_px=5)
    elif tool == "can":
        e.polygon([(-17, 40), (17, 40), (17, -30), (-17, -30)], rgb, round_px=3, bevel_px=10)
        e.limb([(0, -34), (0, -42)], 5, (230, 230, 230))
        e.polygon([(-17, -6), (17, -6), (17, 12), (-17, 12)], (238, 236, 226), bevel_px=5)
    elif tool in ("shaker", "tub"):
        w = 14 if tool == "shaker" else 20
        e.polygon([(-w, 26), (w, 26), (w, -22), (-w, -22)], rgb, round_px=4, bevel_px=9)
        e.ellipse((0, -24), (w + 2, 7), shade(rgb, 0.7), bevel_px=3)
    else:
        raise ValueError(f"unknown tool {tool!r}")
    e.speckle(rng_for(0, "tool", tool), 0.03)
    return e.sprite(location, shadow_scale=0.8)
