"""The whole video's motion: actions, the idle stretches between them, and the sway of the wearer's head, one row a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.data.world.backdrop import SLOT_X_PX, SLOT_Y_PX
from trainer.data.world.domains import LOCATION_BY_NAME, rng_for
from trainer.data.world.motion import Array, action_motion, smooth
from trainer.data.world.script import Plan, Segment

FPS = 30
REACH_S = 0.45
_REST_PX, _AWAY_PX = (84.0, 96.0), (100.0, 205.0)


@dataclass(frozen=True)
class Track:
    """Per frame: hand positions [n, 2] world px, tool_rad, height, progress, flow [n], `current` segment [n], `in_hand` [n],
    `slide_px` [n] (how far the current object still is from its place), camera x, y px, angle rad, zoom [n, 4]."""

    main_px: Array
    other_px: Array
    tool_rad: Array
    height: Array
    progress: Array
    flow: Array
    current: NDArray[np.int64]
    in_hand: NDArray[np.bool_]
    slide_px: Array
    camera: Array


def target_px(segment: Segment) -> tuple[float, float]:
    """World position of the middle of the segment's object."""
    return SLOT_X_PX[segment.slot] + segment.offset_px[0], SLOT_Y_PX + segment.offset_px[1]


def _glide(times_s: Array, keys_s: list[float], points: list[Array]) -> Array:
    """Minimum-jerk path through `points` [k, d] at `keys_s`."""
    out = np.repeat(points[0][None], len(times_s), 0)
    for k in range(len(keys_s) - 1):
        u = smooth((times_s - keys_s[k]) / max(keys_s[k + 1] - keys_s[k], 1e-6))
        out = np.where((times_s >= keys_s[k])[:, None], points[k] + (points[k + 1] - points[k]) * u[:, None], out)
    return out


def _drift(rng: np.random.Generator, times_s: Array, slowest_hz: float, fastest_hz: float) -> Array:
    """Smooth wandering of about unit size: a sum of five slow waves."""
    hz = rng.uniform(slowest_hz, fastest_hz, 5)
    phase = rng.uniform(0, 2 * np.pi, 5)
    return np.asarray(np.sin(2 * np.pi * hz * times_s[:, None] + phase).sum(1) / 1.6)


def _camera(plan: Plan, times_s: Array, focus_px: Array) -> Array:
    rng, location = rng_for(plan.seed, "camera", plan.name), LOCATION_BY_NAME[plan.location]
    steps_hz = float(rng.uniform(1.6, 2.1))
    walk = location.walking * (0.35 + np.clip(_drift(rng, times_s, 0.03, 0.12), 0, 1.2))
    gait = 2 * np.pi * steps_hz * times_s
    x = focus_px + 5 * _drift(rng, times_s, 0.05, 0.35) + walk * 1.6 * np.sin(gait / 2)
    y = SLOT_Y_PX + 2 + 5 * _drift(rng, times_s, 0.05, 0.3) + walk * 1.2 * np.sin(gait)
    angle = np.deg2rad(location.tilt_deg + 1.3 * _drift(rng, times_s, 0.05, 0.3) + 0.35 * walk * np.sin(gait / 2 + 1))
    zoom = location.zoom * float(rng.uniform(0.95, 1.06)) * (1 + 0.012 * _drift(rng, times_s, 0.05, 0.3))
    return np.stack([x, y, angle, zoom], 1)


def _waypoints(rng: np.random.Generator, count: int, side: int) -> list[Array]:
    """Where an idle hand goes: it rests, leaves the view, or wanders over the table."""
    points: list[Array] = []
    for _ in range(count):
        kind = rng.random()
        if kind < 0.4:
            spot = np.array(_REST_PX) + rng.normal(0, 14, 2)
        elif kind < 0.65:
            spot = np.array(_AWAY_PX) + rng.normal(0, 14, 2)
        else:
            spot = np.array([rng.uniform(-30, 110), rng.uniform(0, 70)])
        points.append(spot * (side, 1))
    return points


def make_track(plan: Plan) -> Track:
    """Motion of every frame of `plan`, on the 30 fps grid (frame k shows k / 30 s)."""
    n = round(plan.duration_s * FPS)
    times_s = np.arange(n) / FPS
    rng = rng_for(plan.seed, "idle", plan.name)
    side = plan.wearer.side
    mirror = np.array([side, 1.0])
    values = {name: np.zeros(n) for name in ("tool_rad", "progress", "flow", "slide_px")}
    values["height"] = np.ones(n)
    main, other = np.zeros((n, 2)), np.zeros((n, 2))
    focus, current, in_hand = np.full(n, SLOT_X_PX[0]), np.zeros(n, np.int64), np.zeros(n, bool)
    bounds = [(s.start_s, s.end_s) for s in plan.segments]
    ends: list[tuple[Array, Array]] = []
    for index, segment in enumerate(plan.segments):
        inside = (times_s >= segment.start_s) & (times_s < segment.end_s)
        length_s = segment.end_s - segment.start_s
        # Two extra samples give the poses at the very start and end, which the idle paths have to meet.
        moved = action_motion(segment, np.concatenate([times_s[inside] - segment.start_s, [0.0, length_s]]))
        shift = np.array(segment.offset_px)
        pair = (moved.main_px * mirror + shift, moved.other_px * mirror + shift)
        main[inside], other[inside] = pair[0][:-2], pair[1][:-2]
        ends.append((np.stack([pair[0][-2], pair[1][-2]]), np.stack([pair[0][-1], pair[1][-1]])))
        values["tool_rad"][inside] = moved.tool_rad[:-2] * side
        for name in ("height", "progress", "flow"):
            values[name][inside] = getattr(moved, name)[:-2]
        near = (times_s >= segment.start_s - REACH_S * 0.6) & (times_s < segment.end_s + REACH_S * 0.5)
        before, after = near & (times_s < segment.start_s), near & (times_s >= segment.end_s)
        values["tool_rad"][before], values["tool_rad"][after] = moved.tool_rad[-2] * side, moved.tool_rad[-1] * side
        values["height"][before], values["height"][after] = moved.height[-2], moved.height[-1]
        in_hand |= near
    for index in range(len(plan.segments) + 1):
        begin_s = bounds[index - 1][1] if index else 0.0
        end_s = bounds[index][0] if index < len(bounds) else plan.duration_s
        inside = (times_s >= begin_s) & (times_s < end_s)
        local_s = times_s[inside]
        for hand, array, direction in ((0, main, side), (1, other, -side)):
            stops = _waypoints(rng, 2 if end_s - begin_s > 1.8 else 1, direction)
            first = ends[index - 1][1][hand] if index else stops[0]
            last = ends[index][0][hand] if index < len(ends) else stops[-1]
            inner = (
                np.linspace(begin_s + REACH_S, end_s - REACH_S, len(stops)).tolist()
                if len(stops) > 1
                else [0.5 * (begin_s + end_s)]
            )
            array[inside] = _glide(local_s, [begin_s, *inner, end_s], [first, *stops, last])
        lid_before = _resting_progress(plan.segments[index - 1], True) if index else 0.0
        lid_after = _resting_progress(plan.segments[index], False) if index < len(bounds) else lid_before
        if not 0 < index < len(bounds):
            lone = plan.segments[min(index, len(bounds) - 1)]
            focus[inside], current[inside] = SLOT_X_PX[lone.slot], min(index, len(bounds) - 1)
            values["progress"][inside] = lid_after
            continue
        earlier, later = plan.segments[index - 1], plan.segments[index]
        middle_s, half_s = 0.5 * (begin_s + end_s), 0.42 * (end_s - begin_s)
        turn = smooth((local_s - middle_s + half_s) / (2 * half_s))
        focus[inside] = SLOT_X_PX[earlier.slot] + (SLOT_X_PX[later.slot] - SLOT_X_PX[earlier.slot]) * turn
        swap = local_s >= middle_s if later.slides else turn > 0.8
        current[inside] = np.where(swap, index, index - 1)
        values["progress"][inside] = np.where(swap, lid_after, lid_before)
        if later.slides:
            away = np.where(swap, 1 - turn, turn) * 2
            values["slide_px"][inside] = 330 * side * smooth(away)
    focus_and_hands = np.stack([focus, np.full(n, SLOT_Y_PX)], 1)
    for index, segment in enumerate(plan.segments):
        current[(times_s >= segment.start_s) & (times_s < segment.end_s)] = index
        focus_and_hands[(times_s >= segment.start_s) & (times_s < segment.end_s), 0] = SLOT_X_PX[segment.slot]
    tremor = np.stack([1.5 * _drift(rng, times_s, 0.2, 1.2) for _ in range(4)], 1)
    return Track(
        main_px=main + focus_and_hands + tremor[:, :2],
        other_px=other + focus_and_hands + tremor[:, 2:] * 1.5,
        current=current,
        in_hand=in_hand,
        camera=_camera(plan, times_s, focus_and_hands[:, 0]),
        **values,
    )


def _resting_progress(segment: Segment, done: bool) -> float:
    """Lid or fold position before the segment (`done` False) and after it."""
    tau_s = np.array([segment.end_s - segment.start_s if done else 0.0])
    return float(action_motion(segment, tau_s).progress[0])
