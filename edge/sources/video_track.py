"""The video of a recorded clip as grid frames."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S, Frame, VideoEnd, WindowSpec
from edge.errors import SourceError
from edge.preprocess import GridSampler, resize_crop
from edge.sources.container import Damage, damage_note, decode, open_container, pts_ns, rewind
from edge.sources.frame_times import FrameTimes

_TAIL_NS = NS_PER_S // 2
"""A video that stops this much before its declared end has a broken tail."""

Convert = Callable[[NDArray[np.uint8], int], NDArray[Any]]
"""Makes what the models want of an upright RGB picture, uint8 [H, W, 3], and the size S in pixels."""

_QUARTER_TURNS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}


class VideoTrack:
    """Decodes the best video stream of a file; only frames that the grid needs are converted and resized.

    `convert` makes the image of a frame: uint8 [S, S, 3] for the runtime, other kinds for features of recorded clips.
    `start_ns` is the time of the first frame on the file's own axis, which is stream time 0.
    Raises SourceError when the file holds no video that decodes.
    """

    def __init__(self, path: Path, spec: WindowSpec, convert: Convert = resize_crop) -> None:
        self._spec = spec
        self._convert = convert
        self._container = open_container(path)
        self._damage = Damage()
        try:
            self._stream, self._frames = self._open_stream(path)
        except SourceError:
            self._container.close()
            raise
        # Read all that is needed from the stream now: it may not be touched once the file is closed.
        rate: Fraction | None = self._stream.average_rate or self._stream.guessed_rate
        self._interval_ns = round(NS_PER_S / rate) if rate else NS_PER_S // spec.frame_rate_hz
        self._time_base: Fraction = self._stream.time_base
        self.declared_ns = _declared_ns(self._stream)
        """Duration that the file promises; None when it promises none."""
        self._finished = False
        self._times = FrameTimes(self._interval_ns)
        self._last_ns = 0
        first = next(self._frames)
        self._frames = chain([first], self._frames)
        self._start_pts = first.pts or 0
        self.start_ns = pts_ns(self._start_pts, self._time_base)

    def _open_stream(self, path: Path) -> tuple[Any, Iterator[Any]]:
        """The best video stream that decodes, and its frames."""
        candidates = [s for s in self._container.streams.video if not _is_picture(s)]
        if not candidates:
            raise SourceError(f"{path}: has no video stream; give a clip with pictures")
        best = self._container.streams.best("video")
        for stream in sorted(candidates, key=lambda s: s is not best):
            if stream.codec_context is None:
                continue
            stream.thread_type = "AUTO"
            frames = decode(self._container, stream, self._damage)
            first = next(frames, None)
            if first is not None:
                return stream, chain([first], frames)
            rewind(self._container)
        raise SourceError(f"{path}: its video cannot be decoded; convert it to H.264, or record or copy it again")

    def events(self) -> Iterator[tuple[int, Frame | VideoEnd]]:
        """(due time in ns of stream time, event) in time order; `VideoEnd` is the last."""
        grid = GridSampler(self._spec)
        image: NDArray[Any] | None = None
        image_ns = 0
        for decoded in self._frames:
            t_ns = self._times.push(self._since_start_ns(decoded.pts), self._since_start_ns(decoded.dts))
            self._last_ns = max(self._last_ns, t_ns)
            settled = grid.push(t_ns)
            if not settled:
                continue
            if image is not None:
                for tick, _ in settled[:-1]:
                    yield self._spec.tick_ns(tick), Frame(tick, image_ns, image)
            image, image_ns = self._convert(upright_rgb(decoded), self._spec.frame_size_px), t_ns
            tick = settled[-1][0]
            yield self._spec.tick_ns(tick), Frame(tick, image_ns, image)
        self._finished = True
        yield self._spec.tick_ns(grid.ticks - 1), VideoEnd(grid.ticks)

    def _since_start_ns(self, time_stamp: int | None) -> int | None:
        # Subtracted before the conversion, so that even rates give the same rounding wherever the file starts.
        return None if time_stamp is None else pts_ns(time_stamp - self._start_pts, self._time_base)

    def notes(self) -> list[str]:
        """What the user should know so far."""
        notes = damage_note(self._damage, "video")
        if self._times.mended:
            notes.append(f"{self._times.mended} frames had an unusable time stamp and were placed by their order")
        end_ns = self._last_ns + self._interval_ns
        if self._finished and self.declared_ns is not None and self.declared_ns - end_ns > _TAIL_NS:
            end_s, declared_s = end_ns / NS_PER_S, self.declared_ns / NS_PER_S
            notes.append(f"the clip is broken at its end: the video stops at {end_s:.1f} s of {declared_s:.1f} s")
        return notes

    def close(self) -> None:
        self._container.close()


def _is_picture(stream: Any) -> bool:
    """Cover art and the like: a picture in the place of a video."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _declared_ns(stream: Any) -> int | None:
    """Duration of a stream that the file's header promises; None when it promises none."""
    if stream.duration is not None:
        return pts_ns(stream.duration, stream.time_base)
    for key, text in stream.metadata.items():
        # Matroska keeps it in a tag: "DURATION" or "DURATION-eng", as 00:00:10.333000000
        if key.upper().startswith("DURATION") and re.fullmatch(r"\d+:\d+:\d+(\.\d+)?", text):
            hours, minutes, seconds = text.split(":")
            return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * NS_PER_S)
    return None


def upright_rgb(frame: Any) -> NDArray[np.uint8]:
    """A decoded frame as RGB uint8 [H, W, 3], turned as its display matrix asks, to the nearest quarter turn."""
    rgb: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return cv2.rotate(rgb, _QUARTER_TURNS[turns]) if turns else rgb  # type: ignore[return-value]
