"""What a replay has said so far, moment by moment, so that a view can go back to any of them.

A sink of the pipeline. Kept in memory: a snapshot a label and five small pictures a second, about 2.5 MB a minute.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.annotations.truth import Truth, label_at
from edge.contract import NS_PER_S, Prediction, Segment, Snapshot, WindowSpec
from edge.playback import Disagreement
from edge.preprocess import resize_crop
from edge.rings import Rings
from edge.spectrum import bands_db, level_db

PICTURE_STEP_TICKS = 6
PICTURE_PX = 128


class History:
    """Written by the pipeline's thread, read by the view's."""

    def __init__(self, rings: Rings, truth: Truth | None, background_label: str | None) -> None:
        self.look: Callable[[], Snapshot] | None = None
        """What the pipeline shows now, without the picture; set once there is a pipeline."""
        self._rings = rings
        self._spec: WindowSpec = rings.spec
        self._truth = truth
        self._background = background_label
        self._lock = threading.Lock()
        self._times_ns: list[int] = []
        self._snapshots: list[Snapshot] = []
        self._picture_ticks: list[int] = []
        self._pictures: list[bytes] = []
        self._disagreements: tuple[Disagreement, ...] = ()

    def prediction(self, prediction: Prediction, labels: tuple[str, ...]) -> None:
        """Keep this moment: the end of the label's newest row."""
        if self.look is None:
            return
        spec, shown = self._spec, self.look()
        centre_tick = round(prediction.end_ns * spec.frame_rate_hz / NS_PER_S)
        end_tick = centre_tick - spec.hop_frames // 2 + spec.row_frames
        level, bands = self._sound(end_tick)
        moment = replace(shown, stream_ns=spec.tick_ns(end_tick), sound_level_db=level, sound_bands_db=bands)
        pictures = self._new_pictures(end_tick)
        with self._lock:
            self._times_ns.append(moment.stream_ns)
            self._snapshots.append(moment)
            for tick, picture in pictures:
                self._picture_ticks.append(tick)
                self._pictures.append(picture)
            self._judge(prediction, moment.stream_ns)

    def segment(self, segment: Segment) -> None:
        """The snapshots have it."""

    def event(self, t_ns: int, text: str) -> None:
        """So they have the events."""

    @property
    def computed_ns(self) -> int:
        """Stream time of the newest moment; 0 before the first."""
        return self._times_ns[-1] if self._times_ns else 0

    @property
    def disagreements(self) -> tuple[Disagreement, ...]:
        """With the annotation, in order of time."""
        return self._disagreements

    def at(self, position_ns: int) -> Snapshot | None:
        """What was shown at this stream time, with the picture of that moment; None before the first label."""
        with self._lock:
            index = bisect_right(self._times_ns, position_ns) - 1
            if index < 0:
                return None
            tick = position_ns * self._spec.frame_rate_hz // NS_PER_S
            picture = bisect_right(self._picture_ticks, tick) - 1
            snapshot, data = self._snapshots[index], self._pictures[picture] if picture >= 0 else None
        return replace(snapshot, stream_ns=position_ns, preview=None if data is None else _decoded(data))

    def _sound(self, end_tick: int) -> tuple[float | None, tuple[float, ...]]:
        """Level and spectrum of the last 0.1 s before this tick."""
        rate_hz = self._spec.audio_rate_hz
        window = self._rings.audio.window(end_tick * rate_hz // self._spec.frame_rate_hz, rate_hz // 10)
        level = level_db(window.samples)
        return level, () if level is None else bands_db(window.samples, rate_hz)

    def _new_pictures(self, end_tick: int) -> list[tuple[int, bytes]]:
        last = self._picture_ticks[-1] if self._picture_ticks else -PICTURE_STEP_TICKS
        found = []
        for tick in range(last + PICTURE_STEP_TICKS, end_tick, PICTURE_STEP_TICKS):
            frame = self._rings.video.frame(tick)
            if frame is not None:
                found.append((tick, _encoded(frame.image)))
        return found

    def _judge(self, prediction: Prediction, shown_ns: int) -> None:
        """As the score does it: by the annotation at the middle of what the label speaks for."""
        middle_ns = (prediction.start_ns + prediction.end_ns) // 2
        if self._truth is None or not self._truth.judges(middle_ns):
            return
        annotated = label_at(self._truth.segments, middle_ns)
        annotated = None if annotated == self._background else annotated
        said = None if prediction.unknown or prediction.blind else prediction.label
        if said == annotated:
            return
        newest = self._disagreements[-1] if self._disagreements else None
        if newest is not None and newest[3:] == (annotated, said) and newest.end_ns == prediction.start_ns:
            self._disagreements = (*self._disagreements[:-1], newest._replace(end_ns=prediction.end_ns))
        else:
            found = Disagreement(prediction.start_ns, prediction.end_ns, shown_ns, annotated, said)
            self._disagreements = (*self._disagreements, found)


def _encoded(image: NDArray[np.uint8]) -> bytes:
    # OpenCV swaps the channels on both ways, which cancels out.
    return bytes(cv2.imencode(".jpg", resize_crop(image, min(PICTURE_PX, len(image))))[1])


def _decoded(data: bytes) -> NDArray[np.uint8]:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)  # type: ignore[return-value]
