"""The motion of a whole video: actions, the idle stretches between them and the sway of the wearer's head, by frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.data.world.actions import BY_LABEL
from trainer.data.world.backdrop import SLOT_X_PX, SLOT_Y_PX
from trainer.data.world.domains import LOCATION_BY_NAME, rng_for
from trainer.data.world.motion import Array, action_motion, smooth
from trainer.data.world.script import Plan, Segment

FPS = 30
REACH_S = 0.45
_REST_PX, _AWAY_PX = (84.0, 96.0), (100.0, 205.0)
_SLIDE_PX = 330.0


@dataclass(frozen=True)
class Track:
    """One entry a frame, n frames.

    main_px, other_px [n, 2]: working and second hand, world pixels.
    tool_rad, height, progress, flow [n]: as in `motion.Motion`.
    current [n]: index of the segment whose things are worked on. in_hand [n]: whether the hand holds its tool.
    elbow_px [n, 2]: where the working arm comes from, relative to the middle of the view, for a right-handed wearer.
    slide_px [n]: how far the current object still is from its place. focus_px [n]: x of the place the wearer turns to.
    """

    main_px: Array
    other_px: Array
    tool_rad: Array
    height: Array
    progress: Array
    flow: Array
    current: NDArray[np.int64]
    in_hand: NDArray[np.bool_]
    elbow_px: Array
    slide_px: Array
    focus_px: Array


def target_px(segment: Segment) -> tuple[float, float]:
    """World position of the middle of the segment's object."""
    return SLOT_X_PX[segment.slot] + segment.offset_px[0], SLOT_Y_PX + segment.offset_px[1]


def make_track(plan: Plan) -> Track:
    """Motion of every frame of `plan`, on the 30 fps grid (frame k shows k / 30 s)."""
    n = round(plan.duration_s * FPS)
    times_s = np.arange(n) / FPS
    track = Track(
        main_px=np.zeros((n, 2)),
        other_px=np.zeros((n, 2)),
        tool_rad=np.zeros(n),
        height=np.ones(n),
        progress=np.zeros(n),
        flow=np.zeros(n),
        current=np.zeros(n, np.int64),
        in_hand=np.zeros(n, bool),
        elbow_px=np.full((n, 2), (120.0, 300.0)),
        slide_px=np.zeros(n),
        focus_px=np.zeros(n),
    )
    rng = rng_for(plan.seed, "idle", plan.name)
    for index in range(len(plan.segments)):
        _fill_action(track, times_s, plan, index)
    for index in range(len(plan.segments) + 1):
        _fill_idle(track, times_s, plan, index, rng)
    for hand, steadiness in ((track.main_px, 1.5), (track.other_px, 2.2)):
        hand += np.stack([track.focus_px, np.full(n, SLOT_Y_PX)], 1)
        hand += steadiness * np.stack([_drift(rng, times_s, 0.2, 1.2), _drift(rng, times_s, 0.2, 1.2)], 1)
    track.elbow_px[:] = cv2.blur(track.elbow_px, (1, 2 * round(REACH_S * FPS) + 1), borderType=cv2.BORDER_REPLICATE)
    return track


def _hands_px(plan: Plan, index: int, tau_s: Array) -> tuple[Array, Array]:
    """Working and second hand of segment `index`, relative to its slot, mirrored for a left-handed wearer."""
    segment, mirror = plan.segments[index], np.array([plan.wearer.side, 1.0])
    moved = action_motion(segment, tau_s)
    return moved.main_px * mirror + segment.offset_px, moved.other_px * mirror + segment.offset_px


def _fill_action(track: Track, times_s: Array, plan: Plan, index: int) -> None:
    segment = plan.segments[index]
    near = (times_s >= segment.start_s - 0.6 * REACH_S) & (times_s < segment.end_s + 0.5 * REACH_S)
    inside = (times_s >= segment.start_s) & (times_s < segment.end_s)
    # Just before and after the action the hand already, or still, holds the tool as at its border.
    moved = action_motion(segment, np.clip(times_s[near] - segment.start_s, 0.0, segment.end_s - segment.start_s))
    track.tool_rad[near], track.height[near] = moved.tool_rad * plan.wearer.side, moved.height
    track.in_hand[near], track.elbow_px[near] = True, BY_LABEL[segment.label].elbow_px
    moved = action_motion(segment, times_s[inside] - segment.start_s)
    track.progress[inside], track.flow[inside] = moved.progress, moved.flow
    track.main_px[inside], track.other_px[inside] = _hands_px(plan, index, times_s[inside] - segment.start_s)
    track.current[inside], track.focus_px[inside] = index, SLOT_X_PX[segment.slot]


def _fill_idle(track: Track, times_s: Array, plan: Plan, index: int, rng: np.random.Generator) -> None:
    """The stretch before segment `index`; index len(segments) is the stretch after the last one."""
    segments = plan.segments
    earlier = segments[index - 1] if index > 0 else None
    later = segments[index] if index < len(segments) else None
    begin_s = earlier.end_s if earlier else 0.0
    end_s = later.start_s if later else plan.duration_s
    inside = (times_s >= begin_s) & (times_s < end_s)
    local_s = times_s[inside]
    first = _hands_px(plan, index - 1, np.array([earlier.end_s - earlier.start_s])) if earlier else None
    last = _hands_px(plan, index, np.array([0.0])) if later else None
    for hand, array, direction in ((0, track.main_px, plan.wearer.side), (1, track.other_px, -plan.wearer.side)):
        stops = _waypoints(rng, 2 if end_s - begin_s > 1.8 else 1, direction)
        points = [first[hand][0] if first else stops[0], *stops, last[hand][0] if last else stops[-1]]
        middle_s = np.linspace(begin_s + REACH_S, end_s - REACH_S, 2 * len(stops) + 1)[1::2]
        array[inside] = _glide(local_s, [begin_s, *middle_s.tolist(), end_s], points)
    if earlier is None or later is None:
        present = later if earlier is None else earlier
        assert present is not None, "a plan has at least one segment"
        track.focus_px[inside], track.current[inside] = SLOT_X_PX[present.slot], min(index, len(segments) - 1)
        track.progress[inside] = resting_progress(present, done=earlier is not None)
        return
    half_s = 0.42 * (end_s - begin_s)
    turn = smooth((local_s - 0.5 * (begin_s + end_s) + half_s) / (2 * half_s))
    track.focus_px[inside] = SLOT_X_PX[earlier.slot] + (SLOT_X_PX[later.slot] - SLOT_X_PX[earlier.slot]) * turn
    swapped = turn >= (0.5 if later.slides else 0.8)
    track.current[inside] = np.where(swapped, index, index - 1)
    track.progress[inside] = np.where(
        swapped, resting_progress(later, done=False), resting_progress(earlier, done=True)
    )
    if later.slides:
        track.slide_px[inside] = _SLIDE_PX * plan.wearer.side * smooth(2 * np.where(swapped, 1 - turn, turn))


def resting_progress(segment: Segment, *, done: bool) -> float:
    """Position of lid or fold before the segment, or after it when `done`."""
    return float(action_motion(segment, np.array([segment.end_s - segment.start_s if done else 0.0])).progress[0])


def _waypoints(rng: np.random.Generator, count: int, direction: int) -> list[Array]:
    """Where an idle hand goes, relative to the slot: it rests, leaves the view, or wanders over the table."""
    points: list[Array] = []
    for _ in range(count):
        kind = rng.random()
        if kind < 0.4:
            spot = np.array(_REST_PX) + rng.normal(0, 14, 2)
        elif kind < 0.65:
            spot = np.array(_AWAY_PX) + rng.normal(0, 14, 2)
        else:
            spot = np.array([rng.uniform(-30, 110), rng.uniform(0, 70)])
        points.append(spot * (direction, 1))
    return points


def _glide(times_s: Array, keys_s: list[float], points: list[Array]) -> Array:
    """Minimum-jerk path [n, 2] that passes `points` at `keys_s`."""
    out = np.repeat(points[0][None], len(times_s), 0)
    for k in range(len(keys_s) - 1):
        part = smooth((times_s - keys_s[k]) / max(keys_s[k + 1] - keys_s[k], 1e-6))
        out = np.where((times_s >= keys_s[k])[:, None], points[k] + (points[k + 1] - points[k]) * part[:, None], out)
    return out


def _drift(rng: np.random.Generator, times_s: Array, slowest_hz: float, fastest_hz: float) -> Array:
    """Smooth wandering [n] of about unit size: a sum of five slow waves."""
    hz = rng.uniform(slowest_hz, fastest_hz, 5)
    phase = rng.uniform(0, 2 * np.pi, 5)
    return np.asarray(np.sin(2 * np.pi * hz * times_s[:, None] + phase).sum(1) / 1.6)


def make_camera(plan: Plan, focus_px: Array) -> Array:
    """Head sway [n, 4]: x px, y px, angle rad, zoom; slow drift plus the steps of a walking wearer."""
    rng, location = rng_for(plan.seed, "camera", plan.name), LOCATION_BY_NAME[plan.location]
    times_s = np.arange(len(focus_px)) / FPS
    walk = location.walking * (0.35 + np.clip(_drift(rng, times_s, 0.03, 0.12), 0, 1.2))
    gait = 2 * np.pi * float(rng.uniform(1.6, 2.1)) * times_s
    x = focus_px + 5 * _drift(rng, times_s, 0.05, 0.35) + 1.6 * walk * np.sin(gait / 2)
    y = SLOT_Y_PX + 2 + 5 * _drift(rng, times_s, 0.05, 0.3) + 1.2 * walk * np.sin(gait)
    roll_deg = location.tilt_deg + 1.3 * _drift(rng, times_s, 0.05, 0.3) + 0.35 * walk * np.sin(gait / 2 + 1)
    zoom = location.zoom * float(rng.uniform(0.95, 1.06)) * (1 + 0.012 * _drift(rng, times_s, 0.05, 0.3))
    return np.stack([x, y, np.deg2rad(roll_deg), zoom], 1)
