"""Windows that took no part in calibration, with what every precision's backbones make of them: the gate's evidence.

Each backbone runs once a window and precision; the head then runs on any mixture of them, because it is the cheap part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.annotations import label_at
from edge.bundle import Bundle
from edge.clip_windows import ClipWindow, clip_windows
from edge.contract import HEAD_MASK, Segment, WindowSpec
from edge.engines.base import Engine
from edge.engines.load import Engines
from edge.recognizer import MIN_COVERAGE, Recognizer
from edge.sources.container import open_container
from edge.telemetry import StageTimer

UNLABELLED = -1


@dataclass(frozen=True)
class HoldOut:
    """N windows of annotated or plain clips."""

    appearance: Mapping[str, NDArray[np.float32]]
    """Precision -> float32 [N, 3A]"""
    motion: Mapping[str, NDArray[np.float32]]
    """Precision -> float32 [N, 3M]"""
    audio: Mapping[str, NDArray[np.float32]]
    """Precision -> float32 [N, D]"""
    present: NDArray[np.float32]
    """float32 [N, 3]: 1 where appearance, motion, audio are there."""
    labels: NDArray[np.int64]
    """int64 [N]: index of the annotated label (the background label outside all actions); -1 without annotation."""
    domains: tuple[str, ...]
    """'scenario/location' of each window's clip; '' where unknown."""

    def __len__(self) -> int:
        return len(self.labels)


def collect(
    bundle: Bundle,
    engines: Mapping[str, Engines],
    clips: Sequence[Path],
    truth: Mapping[str, tuple[Segment, ...]],
    domains: Mapping[str, str],
    *,
    per_clip: int,
    progress: Callable[[str], None] = lambda line: None,
) -> HoldOut:
    """Run every engine set over the same windows.

    Args:
        engines: precision -> engine set whose backbones run in it.
        truth: annotated segments by clip name; a clip without any is unlabelled.
        domains: clip name -> domain.
        per_clip: windows taken from the middle of each clip, one after the other, so that neighbours share rows.

    Raises:
        SourceError: a clip cannot be read.
    """
    recognizers = {p: Recognizer(bundle, e, temperature=1.0) for p, e in engines.items()}
    rows: dict[str, list[tuple]] = {p: [] for p in engines}
    present, labels, where = [], [], []
    for number, clip in enumerate(clips):
        progress(f"hold-out clip {number + 1} of {len(clips)}: {clip.name}")
        for recognizer in recognizers.values():
            recognizer.reset()
        segments = truth.get(clip.name)
        first = max(0, (_promised_rows(clip, bundle.window) - per_clip) // 2)
        lead_in = first - bundle.window.clip_rows + 1
        for index, window in enumerate(islice(clip_windows(clip, bundle.window), first + per_clip)):
            if index < lead_in:
                continue
            keep = index >= first
            for precision, recognizer in recognizers.items():
                features = _features(recognizer, window, keep)
                if features is not None:
                    rows[precision].append(features[:3])
                    seen, heard = features[3:]
            if keep:
                present.append((seen, seen, heard))
                labels.append(_label(bundle, segments, window.start_tick))
                where.append(domains.get(clip.name, ""))
    columns = {p: [np.stack(column) for column in zip(*kept, strict=True)] for p, kept in rows.items()}
    return HoldOut(
        appearance={p: c[0] for p, c in columns.items()},
        motion={p: c[1] for p, c in columns.items()},
        audio={p: c[2] for p, c in columns.items()},
        present=np.array(present, np.float32),
        labels=np.array(labels, np.int64),
        domains=tuple(where),
    )


def head_logits(head: Engine, held: HoldOut, video: str, audio: str) -> NDArray[np.float32]:
    """Logits float32 [N, 3 modes, K] with the video features of one precision and the audio features of another.

    NaN in the rows of a mode whose modality was not there.
    """
    found = []
    for n in range(len(held)):
        mask = HEAD_MASK * held.present[n]
        inputs = {
            "appearance": held.appearance[video][n : n + 1],
            "motion": held.motion[video][n : n + 1],
            "audio": held.audio[audio][n : n + 1],
            "mask": mask,
        }
        logits = head.infer(inputs)["logits"].copy()
        logits[~mask.any(axis=1)] = np.nan
        found.append(logits)
    return np.stack(found)


def _features(recognizer: Recognizer, window: ClipWindow, keep: bool) -> tuple | None:
    timer = StageTimer()
    recognizer.add_row(window.start_tick, window.video, timer)
    if not keep:
        return None
    clip = recognizer.clip(window.audio, timer)
    seen, heard = clip.video_coverage >= MIN_COVERAGE, clip.audio_coverage >= MIN_COVERAGE
    return clip.appearance, clip.motion, clip.audio, seen, heard


def _label(bundle: Bundle, segments: tuple[Segment, ...] | None, start_tick: int) -> int:
    if segments is None:
        return UNLABELLED
    label = label_at(segments, bundle.window.tick_ns(start_tick)) or bundle.background_label
    return bundle.labels.index(label) if label in bundle.labels else UNLABELLED


def _promised_rows(clip: Path, spec: WindowSpec) -> int:
    """Rows that the declared duration promises; 0 where there is none, and the stretch starts at the beginning."""
    container = open_container(clip)
    try:
        return len(spec.row_starts((container.duration or 0) * spec.frame_rate_hz // 1_000_000))
    finally:
        container.close()
