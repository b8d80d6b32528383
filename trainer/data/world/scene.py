"""One frame of a video: room, objects, tool, hands, falling things, then exposure and grain of the camera."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.data.world.actions import BY_LABEL
from trainer.data.world.backdrop import draw_backdrop
from trainer.data.world.domains import LOCATION_BY_NAME, Rgb, rng_for
from trainer.data.world.hands import draw_hand
from trainer.data.world.kits import KITS, Kit
from trainer.data.world.script import Plan, Segment
from trainer.data.world.sprite import Sprite, chain, pose, stamp
from trainer.data.world.targets import Target, draw_target
from trainer.data.world.tools import SPOUT_PX, draw_tool
from trainer.data.world.track import Track, make_track, target_px

WIDTH_PX, HEIGHT_PX = 320, 240
_GRAIN_TILES = 6
_LIQUIDS: dict[str, Rgb] = {"Mechanic": (54, 42, 24), "Playing": (226, 200, 130), "Building": (150, 152, 150)}


class Scene:
    """Drawings of one plan, made once, and `frames`, which puts them together."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.track: Track = make_track(plan)
        self._location = LOCATION_BY_NAME[plan.location]
        self._backdrop = draw_backdrop(plan)
        self._hands: dict[tuple[str, bool], Sprite] = {}
        self._kits: list[Kit] = [KITS[plan.scenario, s.label] for s in plan.segments]
        self._targets: list[Target] = [draw_target(k.target, k.target_rgb, self._location) for k in self._kits]
        self._tools: list[Sprite | None] = [
            None if k.tool == "none" else draw_tool(k.tool, k.tool_rgb, self._location) for k in self._kits
        ]
        rng = rng_for(plan.seed, "grain", plan.name)
        self._grain = [self._grain_tile(rng) for _ in range(_GRAIN_TILES)]
        self._falling = rng.uniform(0, 1, (26, 3))
        y, x = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX]
        corner = ((x / WIDTH_PX - 0.5) ** 2 + (y / HEIGHT_PX - 0.5) ** 2) / 0.5
        self._vignette = np.repeat((255 * (1 - 0.22 * corner))[..., None], 3, 2).astype(np.uint8)

    def _grain_tile(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Sensor noise around 16; it is soft, because a camera's own compression has eaten the fine part."""
        noise = cv2.GaussianBlur(rng.standard_normal((HEIGHT_PX, WIDTH_PX)).astype(np.float32), (0, 0), 0.8)
        return np.repeat(np.clip(np.rint(16 + 2.2 * self._location.grain * noise), 0, 255)[..., None], 3, 2).astype(
            np.uint8
        )

    def _hand(self, hand_pose: str, right: bool) -> Sprite:
        key = (hand_pose, right)
        if key not in self._hands:
            self._hands[key] = draw_hand(hand_pose, self.plan.wearer, self._location, right=right)
        return self._hands[key]

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """All frames in order, RGB uint8 [240, 320, 3]."""
        for index in range(len(self.track.current)):
            yield self.frame(index)

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Frame `index`, RGB uint8 [240, 320, 3]."""
        track, current = self.track, int(self.track.current[index])
        x, y, angle, zoom = track.camera[index]
        view = chain(pose(WIDTH_PX / 2, HEIGHT_PX / 2), chain(pose(0, 0, angle, zoom, zoom), pose(-x, -y)))
        frame = np.asarray(
            cv2.warpAffine(self._backdrop, view, (WIDTH_PX, HEIGHT_PX), borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
        for other in self._neighbours(current):
            self._draw_target(frame, view, other, index, moving=False)
        self._draw_target(frame, view, current, index, moving=True)
        self._draw_hands(frame, view, current, index)
        turn_px = abs(x - track.camera[max(index - 1, 0)][0]) * zoom
        if turn_px > 5:
            frame = np.asarray(cv2.blur(frame, (min(15, int(turn_px * 0.6) | 1), 1)), np.uint8)
        frame = np.asarray(cv2.multiply(frame, self._vignette, scale=1 / 255), np.uint8)
        grain = self._grain[(index * 5 + index // _GRAIN_TILES) % _GRAIN_TILES]
        return np.asarray(cv2.subtract(cv2.add(frame, grain), (16.0, 16.0, 16.0, 0.0)), np.uint8)

    def _neighbours(self, current: int) -> list[int]:
        """Segments whose things stand in the slots beside the current one."""
        taken, found = {self.plan.segments[current].slot}, []
        for other in (current + 1, current - 1):
            if 0 <= other < len(self.plan.segments) and self.plan.segments[other].slot not in taken:
                taken.add(self.plan.segments[other].slot)
                found.append(other)
        return found

    def _draw_target(
        self, frame: NDArray[np.uint8], view: NDArray[np.float64], which: int, index: int, *, moving: bool
    ) -> None:
        segment, kit, target = self.plan.segments[which], self._kits[which], self._targets[which]
        x, y = target_px(segment)
        x += float(self.track.slide_px[index]) if moving else 0.0
        progress = float(self.track.progress[index]) if moving else float(BY_LABEL[segment.label].time_reversed)
        side, size = self.plan.wearer.side, 1.0
        if kit.target != "none":
            stamp(frame, target.body, chain(view, pose(x, y, 0, size, size)))
        if target.flap is not None:
            folded = np.cos(np.pi * 0.95 * progress) if segment.label == "fold" else 1.0
            for direction in (-1, 1):
                stamp(
                    frame,
                    target.flap,
                    chain(view, pose(x + 34 * direction, y, 0, direction * (folded if abs(folded) > 0.05 else 0.05))),
                )
        if target.lid is not None:
            lifted = 1 + 0.12 * np.sin(np.pi * progress)
            swing = pose(
                x + side * segment.amplitude_px * 1.35 * progress,
                y - 30 * np.sin(np.pi * 0.75 * progress),
                side * 0.5 * progress,
                lifted,
                lifted * (1 - 0.25 * progress),
            )
            stamp(frame, target.lid, chain(view, swing))
        tool = self._tools[which]
        if tool is not None and not (moving and self.track.in_hand[index]):
            stamp(frame, tool, chain(view, pose(x + side * 96, y + 34, side * 0.5)))

    def _draw_hands(self, frame: NDArray[np.uint8], view: NDArray[np.float64], current: int, index: int) -> None:
        track, segment, side = self.track, self.plan.segments[current], self.plan.wearer.side
        action, tool, held = BY_LABEL[segment.label], self._tools[current], bool(self.track.in_hand[index])
        size = self.plan.wearer.size
        camera_x, camera_y = track.camera[index][:2]
        other, main = track.other_px[index], track.main_px[index]
        self._draw_hand(frame, view, "flat", other, (camera_x - side * 120, camera_y + 300), size, right=side < 0)
        if held and tool is not None:
            place = pose(main[0], main[1], track.tool_rad[index], track.height[index], track.height[index])
            if track.flow[index] > 0.5 and action.motion == "tilt":
                self._draw_stream(frame, view, segment, place, index)
            stamp(frame, tool, chain(view, place))
        if action.motion == "pinch" and track.flow[index] > 0.2:
            self._draw_grains(frame, view, main, index)
        self._draw_hand(
            frame,
            view,
            action.hand_pose if held else "flat",
            main,
            (camera_x + side * 120, camera_y + 300),
            size * track.height[index],
            right=side > 0,
        )

    def _draw_hand(
        self,
        frame: NDArray[np.uint8],
        view: NDArray[np.float64],
        hand_pose: str,
        at_px: NDArray[np.float64],
        elbow_px: tuple[float, float],
        size: float,
        *,
        right: bool,
    ) -> None:
        dx, dy = elbow_px[0] - at_px[0], elbow_px[1] - at_px[1]
        stamp(
            frame,
            self._hand(hand_pose, right),
            chain(view, pose(at_px[0], at_px[1], float(-np.arctan2(dx, dy)), size, size)),
        )

    def _draw_stream(
        self,
        frame: NDArray[np.uint8],
        view: NDArray[np.float64],
        segment: Segment,
        place: NDArray[np.float64],
        index: int,
    ) -> None:
        """Liquid from the spout down to the vessel, with a wavering edge and drops."""
        spout = place @ np.array([0.0, -SPOUT_PX.get(self._kits[self.plan.segments.index(segment)].tool, 34.0), 1.0])
        end = np.array([0.4 * spout[0] + 0.6 * target_px(segment)[0], target_px(segment)[1] + 6])
        u = np.linspace(0, 1, 7)
        path = np.stack([spout[0] + (end[0] - spout[0]) * np.sqrt(u), spout[1] + (end[1] - spout[1]) * u**1.5], 1)
        path[1:, 0] += 0.9 * np.sin(index * 1.9 + 4 * u[1:])
        colour = np.array(_LIQUIDS.get(self.plan.scenario, (206, 224, 236))) * np.array(self._location.light_gain)
        pixels = np.rint((path @ view[:, :2].T + view[:, 2]) * 16).astype(np.int32)
        shade = tuple(np.clip(colour * 0.8, 0, 255).tolist())
        cv2.polylines(frame, [pixels], False, shade, 5, cv2.LINE_AA, 4)
        cv2.polylines(frame, [pixels - 12], False, tuple(np.clip(colour * 1.08, 0, 255).tolist()), 2, cv2.LINE_AA, 4)
        for k in range(5):
            a, r, t = self._falling[k]
            drop = end + np.array([np.cos(7 * a + index), np.sin(5 * r + 2.0 * index)]) * (3 + 7 * t)
            spot = np.rint((view[:, :2] @ drop + view[:, 2]) * 16).astype(int)
            cv2.circle(frame, (int(spot[0]), int(spot[1])), 22, shade, -1, cv2.LINE_AA, 4)

    def _draw_grains(
        self, frame: NDArray[np.uint8], view: NDArray[np.float64], from_px: NDArray[np.float64], index: int
    ) -> None:
        """Grains that fall from the fingertips."""
        colour = tuple(np.clip(np.array((246, 240, 222)) * self._location.light_gain, 0, 255).tolist())
        for a, r, t in self._falling:
            age = (t + index / 11.0) % 1.0
            spot = from_px + np.array([(a - 0.5) * (6 + 26 * age), 2 + 40 * age * (0.5 + 0.5 * age) + 8 * (r - 0.5)])
            pixel = np.rint((view[:, :2] @ spot + view[:, 2]) * 16).astype(int)
            cv2.circle(frame, (int(pixel[0]), int(pixel[1])), 14 + int(8 * r), colour, -1, cv2.LINE_AA, 4)
