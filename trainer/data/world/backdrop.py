"""The room: a wide picture of wall and worktop from which the camera cuts its view."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.data.world.actions import LABELS
from trainer.data.world.domains import LOCATION_BY_NAME, SCENARIO_BY_NAME, Location, Rgb, Scenario, rng_for
from trainer.data.world.kits import KITS
from trainer.data.world.script import SLOTS, Plan
from trainer.data.world.sprite import pose, stamp
from trainer.data.world.targets import draw_target
from trainer.data.world.tools import draw_tool

WIDTH_PX, HEIGHT_PX, TABLE_TOP_PX = 1400, 480, 150
SLOT_X_PX: tuple[float, ...] = tuple(300.0 + 400.0 * k for k in range(SLOTS))
SLOT_Y_PX = 232.0
Picture = NDArray[np.float32]


def _noise(rng: np.random.Generator, shape: tuple[int, int], size_px: tuple[float, float]) -> Picture:
    """Soft noise of unit deviation with grains of about `size_px` (x, y)."""
    small = (max(2, int(shape[0] / size_px[1])), max(2, int(shape[1] / size_px[0])))
    noise = rng.standard_normal(small).astype(np.float32)
    return np.asarray(cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)


def _plain(shape: tuple[int, int], rgb: Rgb) -> Picture:
    return np.broadcast_to(np.array(rgb, np.float32), (*shape, 3)).copy()


def _tone(picture: Picture, share: Picture, rgb: Rgb) -> None:
    picture += (np.array(rgb, np.float32) - picture) * np.clip(share, 0, 1)[..., None]


def _worktop(scenario: Scenario, rng: np.random.Generator, shape: tuple[int, int]) -> Picture:
    h, w = shape
    top, second = _plain(shape, scenario.worktop_rgb), scenario.worktop_second_rgb
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    kind = scenario.worktop
    if kind in ("wood", "plywood"):
        rings = np.sin((y / (9 if kind == "wood" else 15)) + 2.5 * _noise(rng, shape, (160, 18)))
        _tone(top, 0.22 + 0.2 * rings, second)
        if kind == "wood":
            _tone(top, ((y + 6) % 62 < 2).astype(np.float32) * 0.7, (60, 40, 26))
    elif kind in ("tiles", "mat"):
        pitch = 58 if kind == "tiles" else 24
        lines = ((x % pitch < 2) | (y % pitch < 2)).astype(np.float32)
        _tone(top, lines * (0.8 if kind == "tiles" else 0.45), second)
    elif kind == "court":
        _tone(top, ((np.abs((x + 0.5 * y) % 420 - 60) < 7) | (np.abs(y - 190) < 6)).astype(np.float32) * 0.9, second)
    elif kind == "carpet":
        _tone(top, ((x // 46 + y // 46) % 2) * 0.4 + 0.1 * _noise(rng, shape, (2, 2)), second)
    elif kind == "soil":
        grass = 0.75 * _noise(rng, shape, (5, 9)) + 0.7 * _noise(rng, shape, (110, 60)) - 0.4
        _tone(top, np.minimum(grass, np.float32(0.75)), second)
        pebbles = (_noise(rng, shape, (4, 3)) > 1.9).astype(np.float32)
        _tone(top, 0.35 * pebbles, (168, 150, 128))
    else:
        _tone(top, 0.3 + 0.25 * _noise(rng, shape, (200, 1.2)), second)
    return top * (1 + 0.035 * _noise(rng, shape, (3, 3)) + 0.04 * _noise(rng, shape, (90, 60)))[..., None]


def _wall(location: Location, rng: np.random.Generator, shape: tuple[int, int]) -> Picture:
    h, w = shape
    wall, second = _plain(shape, location.wall_rgb), location.wall_second_rgb
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    kind = location.wall
    if kind == "brick":
        row = y // 18
        _tone(wall, ((y % 18 < 2) | ((x + 22 * (row % 2)) % 44 < 2)).astype(np.float32) * 0.8, second)
    elif kind in ("panels", "planks"):
        pitch = 130 if kind == "panels" else 34
        _tone(wall, (x % pitch < 3).astype(np.float32) * 0.9, second)
    elif kind == "window":
        inside = (x % 350 > 60) & (x % 350 < 290) & (y < h - 36)
        _tone(wall, inside * 0.9, second)
        _tone(wall, (inside & (np.abs(x % 350 - 175) < 4)) * 0.95, (240, 236, 226))
    elif kind == "shelves":
        _tone(wall, (y % 64 > 56).astype(np.float32) * 0.9, second)
        for _ in range(70):
            cx, cw, row = int(rng.integers(0, w)), int(rng.integers(8, 30)), int(rng.integers(0, 3))
            tall = int(rng.integers(18, 46))
            base = row * 64 + 56
            wall[max(0, base - tall) : base, cx : cx + cw] = rng.uniform(60, 220, 3)
    return wall * (1 + 0.03 * _noise(rng, shape, (4, 4)) + 0.05 * _noise(rng, shape, (150, 90)))[..., None]


def draw_backdrop(plan: Plan) -> NDArray[np.uint8]:
    """Room of the plan's domain, uint8 [HEIGHT_PX, WIDTH_PX, 3]; the same for all its videos but for the clutter."""
    scenario, location = SCENARIO_BY_NAME[plan.scenario], LOCATION_BY_NAME[plan.location]
    room = rng_for(plan.seed, "room", plan.scenario, plan.location)
    picture = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.float32)
    picture[:TABLE_TOP_PX] = _wall(location, room, (TABLE_TOP_PX, WIDTH_PX))
    picture[TABLE_TOP_PX:] = _worktop(scenario, room, (HEIGHT_PX - TABLE_TOP_PX, WIDTH_PX))
    picture[TABLE_TOP_PX - 5 : TABLE_TOP_PX + 3] *= 0.55
    picture[TABLE_TOP_PX + 3 : TABLE_TOP_PX + 26] *= np.linspace(0.72, 1.0, 23, dtype=np.float32)[:, None, None]
    spot_x = WIDTH_PX * (0.5 - 0.03 * location.shadow_offset_px[0])
    y, x = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    light = 1.06 - 0.3 * ((x - spot_x) / WIDTH_PX) ** 2 - 0.2 * ((y - 230) / HEIGHT_PX) ** 2
    picture *= light[..., None] * np.array(location.light_gain, np.float32)
    out = np.clip(picture, 0, 255).astype(np.uint8)
    _scatter(out, plan, location)
    return out


def _scatter(out: NDArray[np.uint8], plan: Plan, location: Location) -> None:
    rng = rng_for(plan.seed, "clutter", plan.name)
    for slot_x in SLOT_X_PX:
        for _ in range(location.clutter):
            kit = KITS[plan.scenario, LABELS[int(rng.integers(len(LABELS)))]]
            x = slot_x + float(rng.choice([-1, 1])) * float(rng.uniform(105, 200))
            y = float(rng.uniform(175, 330))
            place = pose(x, y, float(rng.uniform(-0.9, 0.9)), 0.8, 0.8)
            if kit.tool != "none" and rng.random() < 0.5:
                stamp(out, draw_tool(kit.tool, kit.tool_rgb, location), place)
            elif kit.target != "none":
                stamp(out, draw_target(kit.target, kit.target_rgb, location).body, pose(x, y - 20, 0, 0.6, 0.6))
