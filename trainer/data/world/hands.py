"""Drawings of the wearer's hands and forearms, seen from above; fingers point away from the wearer (up)."""

from __future__ import annotations

from trainer.data.world.domains import Location, Rgb, rng_for
from trainer.data.world.script import Wearer
from trainer.data.world.sprite import Easel, Point, Sprite

HAND_POSES: tuple[str, ...] = ("flat", "grip", "hold", "pinch", "point")
_ARM_PX = 250.0

# Joints of a right hand in world pixels with the palm's middle at (0, 0): thumb first, then index to little finger.
_FINGERS: dict[str, tuple[tuple[Point, ...], ...]] = {
    "flat": (
        ((-18, 8), (-31, -4), (-36, -16)),
        ((-15, -14), (-19, -34), (-20, -46)),
        ((-5, -18), (-6, -40), (-6, -53)),
        ((6, -17), (8, -37), (9, -48)),
        ((16, -11), (20, -27), (22, -36)),
    ),
    "grip": (
        ((-18, 10), (-22, -6), (-10, -16)),
        ((-14, -12), (-22, -24), (-10, -31)),
        ((-4, -17), (-12, -30), (2, -33)),
        ((6, -16), (0, -29), (13, -30)),
        ((15, -10), (12, -23), (22, -23)),
    ),
    "hold": (
        ((-14, 12), (-26, 12), (-38, 6)),
        ((-12, -14), (-28, -26), (-44, -22)),
        ((-4, -17), (-22, -34), (-42, -34)),
        ((6, -17), (-12, -40), (-34, -44)),
        ((14, -12), (2, -40), (-20, -50)),
    ),
    "pinch": (
        ((-17, 8), (-25, -12), (-18, -32)),
        ((-13, -14), (-24, -28), (-17, -37)),
        ((-3, -17), (-9, -33), (-1, -38)),
        ((7, -16), (5, -32), (12, -34)),
        ((16, -10), (17, -26), (23, -26)),
    ),
    "point": (
        ((-17, 9), (-22, -6), (-8, -14)),
        ((-14, -14), (-17, -36), (-18, -56)),
        ((-4, -16), (-10, -27), (2, -24)),
        ((6, -15), (2, -26), (12, -22)),
        ((15, -9), (12, -20), (20, -15)),
    ),
}
# Which point of the drawing lies where the motion says the hand is.
_WORK_POINT: dict[str, Point] = {
    "flat": (0, -22),
    "grip": (-4, -22),
    "hold": (-34, -26),
    "pinch": (-17, -35),
    "point": (-18, -56),
}


def _mix(rgb: Rgb, other: Rgb, share: float) -> Rgb:
    r, g, b = (round(a + (o - a) * share) for a, o in zip(rgb, other, strict=True))
    return r, g, b


def draw_hand(hand_pose: str, wearer: Wearer, location: Location, *, right: bool) -> Sprite:
    """Sprite of a hand with its forearm: the anchor is where it touches tool or object, the arm runs down from it."""
    wx, wy = _WORK_POINT[hand_pose]
    easel = Easel(80 + wx, 75 + wy, 80 - wx, _ARM_PX - wy, mirrored=not right)

    def at(*points: Point) -> list[Point]:
        return [(x - wx, y - wy) for x, y in points]

    skin = wearer.skin_rgb
    dark, nail = _mix(skin, (70, 30, 20), 0.22), _mix(skin, (255, 225, 220), 0.45)
    easel.polygon(
        at((-15, 18), (15, 18), (20, 70), (27, _ARM_PX), (-27, _ARM_PX), (-20, 70)), skin, bevel_px=13, round_px=2
    )
    cuff = wearer.sleeve_px
    sleeve, fold = wearer.sleeve_rgb, _mix(wearer.sleeve_rgb, (0, 0, 0), 0.25)
    easel.polygon(at((-24, cuff), (24, cuff), (38, _ARM_PX), (-38, _ARM_PX)), sleeve, bevel_px=14, round_px=3)
    easel.limb(at((-23, cuff + 3), (23, cuff + 3)), 4, fold)
    for k in range(1, 5):
        easel.limb(at((-20 + 3 * k, cuff + 26 * k), (10 + 2 * k, cuff + 20 * k + 5)), 1.2, fold, edge=0)
    easel.polygon(
        at((-17, -12), (-6, -17), (7, -16), (16, -9), (17, 12), (12, 26), (-12, 26), (-18, 12)),
        skin,
        bevel_px=9,
        round_px=5,
    )
    radii = (7.0, 6.6, 6.9, 6.5, 5.6)
    curled = hand_pose in ("grip", "pinch", "point")
    for index in (4, 3, 2, 1, 0):
        finger, radius = _FINGERS[hand_pose][index], radii[index]
        shade = dark if curled and index > 1 else _mix(skin, dark, 0.12 * index)
        easel.limb(at(*finger), radius, shade, edge=0.32)
        (kx, ky), (tx, ty) = finger[-2], finger[-1]
        easel.ellipse(
            at((tx + 0.12 * (tx - kx), ty + 0.12 * (ty - ky)))[0],
            (radius * 0.5, radius * 0.55),
            nail,
            bevel_px=1,
            edge=0.1,
        )
    for x in (-14, -4, 6, 15):
        easel.ellipse(at((x, -10 if x in (-4, 6) else -6))[0], (4, 3), _mix(skin, dark, 0.35), bevel_px=3, edge=0)
    easel.speckle(rng_for(0, "skin", hand_pose), 0.03)
    return easel.sprite(location, shadow_scale=1.2)
