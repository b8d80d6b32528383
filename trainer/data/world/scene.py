"""One frame of a video: room, things, tool, hands, what falls, then the camera's vignette and grain."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.data.world.actions import BY_LABEL
from trainer.data.world.backdrop import draw_backdrop
from trainer.data.world.domains import LOCATION_BY_NAME, Location, rng_for
from trainer.data.world.falling import draw_grains, draw_stream
from trainer.data.world.hands import HAND_POSES, draw_hand
from trainer.data.world.kits import KITS
from trainer.data.world.script import Plan
from trainer.data.world.sprite import Map, Picture, Point, Sprite, chain, pose, stamp
from trainer.data.world.targets import Target, draw_target
from trainer.data.world.tools import SPOUT_PX, draw_tool
from trainer.data.world.track import make_camera, make_track, resting_progress, target_px

WIDTH_PX, HEIGHT_PX = 320, 240
_GRAIN_TILES = 6
_GRAIN_ZERO = 16
_BLUR_FROM_PX = 5.0


class Scene:
    """The drawings of one plan, made once; `frame` and `frames` put them together."""

    def __init__(self, plan: Plan) -> None:
        location = LOCATION_BY_NAME[plan.location]
        self.plan = plan
        self.track = make_track(plan)
        self.camera = make_camera(plan, self.track.focus_px)
        self._location = location
        self._backdrop = draw_backdrop(plan)
        self._kits = [KITS[plan.scenario, s.label] for s in plan.segments]
        self._targets: list[Target] = [draw_target(k.target, k.target_rgb, location) for k in self._kits]
        self._tools: list[Sprite | None] = [
            None if k.tool == "none" else draw_tool(k.tool, k.tool_rgb, location) for k in self._kits
        ]
        right = plan.wearer.side > 0
        self._main = {name: draw_hand(name, plan.wearer, location, right=right) for name in HAND_POSES}
        self._other = draw_hand("flat", plan.wearer, location, right=not right)
        rng = rng_for(plan.seed, "grain", plan.name)
        self._falling = rng.uniform(0, 1, (30, 3))
        self._vignette = _vignette()
        self._grain = [_grain(rng, location) for _ in range(_GRAIN_TILES)]

    def frames(self) -> Iterator[Picture]:
        """All frames in order, RGB uint8 [240, 320, 3]."""
        for index in range(len(self.track.current)):
            yield self.frame(index)

    def frame(self, index: int) -> Picture:
        """Frame `index`, RGB uint8 [240, 320, 3]; independent of the frames drawn before."""
        current = int(self.track.current[index])
        x, y, angle_rad, zoom = self.camera[index]
        view = chain(pose(WIDTH_PX / 2, HEIGHT_PX / 2, angle_rad, zoom, zoom), pose(-x, -y))
        frame: Picture = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
        cv2.warpAffine(self._backdrop, view, (WIDTH_PX, HEIGHT_PX), frame, borderMode=cv2.BORDER_REPLICATE)
        for other in self._neighbours(current):
            progress = resting_progress(self.plan.segments[other], done=other < current)
            self._draw_things(frame, view, other, 0.0, progress, tool_lies=True)
        self._draw_things(
            frame,
            view,
            current,
            float(self.track.slide_px[index]),
            float(self.track.progress[index]),
            tool_lies=not self.track.in_hand[index],
        )
        self._draw_hands(frame, view, current, index)
        turned_px = abs(x - self.camera[max(index - 1, 0)][0]) * zoom
        if turned_px > _BLUR_FROM_PX:
            cv2.blur(frame, (min(15, int(turned_px * 0.6) | 1), 1), frame)
        cv2.multiply(frame, self._vignette, frame, scale=1 / 255)
        grain = self._grain[(index * 5 + index // _GRAIN_TILES) % _GRAIN_TILES]
        cv2.addWeighted(frame, 1.0, grain, 1.0, -_GRAIN_ZERO, frame)
        return frame

    def _neighbours(self, current: int) -> list[int]:
        """Segments whose things stand in the slots beside the current one: the next action's, then the last one's."""
        taken, found = {self.plan.segments[current].slot}, []
        for other in (current + 1, current - 1):
            if 0 <= other < len(self.plan.segments) and self.plan.segments[other].slot not in taken:
                taken.add(self.plan.segments[other].slot)
                found.append(other)
        return found

    def _draw_things(
        self, frame: Picture, view: Map, which: int, slide_px: float, progress: float, *, tool_lies: bool
    ) -> None:
        """Object of segment `which` with lid or flaps at `progress`, and its tool beside it when `tool_lies`."""
        segment, target, tool, side = (
            self.plan.segments[which],
            self._targets[which],
            self._tools[which],
            self.plan.wearer.side,
        )
        x, y = target_px(segment)
        x += slide_px
        if self._kits[which].target != "none":
            stamp(frame, target.body, chain(view, pose(x, y)))
        if target.flap is not None:
            width = np.cos(0.95 * np.pi * progress)
            width = width if abs(width) > 0.05 else 0.05
            for direction in (-1, 1):
                stamp(frame, target.flap, chain(view, pose(x + 34 * direction, y, 0, direction * width)))
        if target.lid is not None:
            lifted = 1 + 0.12 * np.sin(np.pi * progress)
            away = (
                x + side * segment.amplitude_px * 1.35 * progress,
                y - 30 * np.sin(0.75 * np.pi * progress),
                side * 0.5 * progress,
            )
            stamp(frame, target.lid, chain(view, pose(*away, lifted, lifted * (1 - 0.25 * progress))))
        if tool is not None and tool_lies:
            stamp(frame, tool, chain(view, pose(x + side * 96, y + 34, side * 0.5)))

    def _draw_hands(self, frame: Picture, view: Map, current: int, index: int) -> None:
        track, segment, wearer = self.track, self.plan.segments[current], self.plan.wearer
        action, kit, tool = BY_LABEL[segment.label], self._kits[current], self._tools[current]
        held, height = bool(track.in_hand[index]), float(track.height[index])
        camera_x, camera_y = self.camera[index][:2].tolist()
        main_x, main_y = track.main_px[index].tolist()
        elbow_x, elbow_y = track.elbow_px[index].tolist()
        flows = track.flow[index] > 0.2
        other: Point = (track.other_px[index][0], track.other_px[index][1])
        _draw_arm(frame, view, self._other, other, (camera_x - wearer.side * 120, camera_y + 300), wearer.size)
        if held and tool is not None:
            place = pose(main_x, main_y, float(track.tool_rad[index]), height, height)
            if flows and kit.tool in SPOUT_PX:
                spout_x, spout_y = (place @ np.array([0.0, -SPOUT_PX[kit.tool], 1.0])).tolist()
                target_x, target_y = target_px(segment)
                end = (0.5 * (spout_x + target_x), target_y + 8)
                draw_stream(frame, view, (spout_x, spout_y), end, index, self.plan.scenario, self._location)
            stamp(frame, tool, chain(view, place))
        hand = self._main[action.hand_pose if held else "flat"]
        elbow = (camera_x + wearer.side * elbow_x, camera_y + elbow_y)
        _draw_arm(frame, view, hand, (main_x, main_y), elbow, wearer.size * height)
        if flows and action.motion == "pinch":
            draw_grains(frame, view, (main_x, main_y), index, self._falling, self._location)


def _draw_arm(frame: Picture, view: Map, hand: Sprite, at_px: Point, elbow_px: Point, size: float) -> None:
    """Stamp a hand at `at_px`, turned so that its forearm comes from `elbow_px`."""
    turn = -np.arctan2(elbow_px[0] - at_px[0], elbow_px[1] - at_px[1])
    stamp(frame, hand, chain(view, pose(at_px[0], at_px[1], float(turn), size, size)))


def _vignette() -> Picture:
    y, x = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX]
    corner = ((x / WIDTH_PX - 0.5) ** 2 + (y / HEIGHT_PX - 0.5) ** 2) / 0.5
    return np.repeat((255 * (1 - 0.22 * corner))[..., None], 3, 2).astype(np.uint8)


def _grain(rng: np.random.Generator, location: Location) -> Picture:
    """Sensor noise around _GRAIN_ZERO; soft, because a camera's own compression has eaten the fine part."""
    noise: NDArray[np.float32] = rng.standard_normal((HEIGHT_PX, WIDTH_PX)).astype(np.float32)
    cv2.GaussianBlur(noise, (0, 0), 0.8, noise)
    levels = np.clip(np.rint(_GRAIN_ZERO + 2.2 * location.grain * noise), 0, 255)
    return np.repeat(levels[..., None], 3, 2).astype(np.uint8)
