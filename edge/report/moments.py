"""The worst moments of a verification: stretches in which a wrong label was said, the surest and longest first."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S
from edge.errors import SourceError
from edge.score import said_label
from edge.sources.container import open_container
from edge.verify.evidence import UNJUDGED
from edge.verify.played import Played

MOST = 12
_WIDTH_PX = 224
_JPEG_QUALITY = 80
_QUARTER_TURNS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}


@dataclass(frozen=True)
class WorstMoment:
    """Rows one after another with one truth and one wrong label."""

    media: Path
    clip: str
    start_ns: int
    end_ns: int
    truth: str
    said: str
    confidence: float
    """Mean over the rows."""

    @property
    def weight(self) -> float:
        """Seconds times confidence."""
        return (self.end_ns - self.start_ns) / NS_PER_S * self.confidence

    @property
    def middle_ns(self) -> int:
        return (self.start_ns + self.end_ns) // 2


def worst_moments(runs: Sequence[Played], most: int = MOST) -> list[WorstMoment]:
    """At most `most`, the worst first."""
    found = [moment for run in runs if run.evidence is not None for moment in _of_clip(run)]
    return sorted(found, key=lambda m: (-m.weight, m.clip, m.start_ns))[:most]


def _of_clip(run: Played) -> list[WorstMoment]:
    assert run.evidence is not None
    result, evidence = run.result, run.evidence
    moments: list[list[int]] = []
    wrong: dict[int, tuple[str, str]] = {}
    for index, (p, true) in enumerate(zip(result.predictions, evidence.row_truth.tolist(), strict=True)):
        said = said_label(p, result.labels, 0)
        if said is None or true == UNJUDGED or (true >= 0 and result.labels[true] == said):
            continue
        if true < 0 and said == result.background_label:
            continue  # nobody claimed an action where none is known
        wrong[index] = (result.labels[true] if true >= 0 else "an action without a label", said)
        if moments and moments[-1][-1] == index - 1 and wrong[index - 1] == wrong[index]:
            moments[-1].append(index)
        else:
            moments.append([index])
    return [
        WorstMoment(
            run.media,
            result.clip,
            result.predictions[rows[0]].start_ns,
            result.predictions[rows[-1]].end_ns,
            *wrong[rows[0]],
            confidence=float(np.mean([result.predictions[i].confidence for i in rows])),
        )
        for rows in moments
    ]


def thumbnail(media: Path, time_ns: int) -> str | None:
    """The frame at a stream time as a JPEG data URI; None when it cannot be decoded."""
    try:
        container = open_container(media)
    except SourceError:
        return None
    with container:
        try:
            stream = container.streams.best("video")
            if stream is None:
                return None
            start_s = float((stream.start_time or 0) * (stream.time_base or 0))
            wanted_s = start_s + time_ns / NS_PER_S
            container.seek(max(0, int(wanted_s * av.time_base)))
            frames = (frame for frame in container.decode(stream) if isinstance(frame, av.VideoFrame))
            found = _frame_at(frames, wanted_s)
        except (av.FFmpegError, IndexError, ValueError):
            return None
        return None if found is None else _jpeg(found)


def _frame_at(frames: Iterator[av.VideoFrame], wanted_s: float) -> av.VideoFrame | None:
    """The first frame that is not before that time, or the last one."""
    frame = None
    for frame in frames:
        if frame.time is None or frame.time >= wanted_s:
            break
    return frame


def _jpeg(frame: av.VideoFrame) -> str | None:
    picture: NDArray = frame.to_ndarray(format="bgr24")
    turn = _QUARTER_TURNS.get(round(getattr(frame, "rotation", 0) / 90) % 4)
    if turn is not None:
        picture = cv2.rotate(picture, turn)
    height = max(1, round(picture.shape[0] * _WIDTH_PX / picture.shape[1]))
    small = cv2.resize(picture, (_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode() if done else None
