"""Made-up runs for the tests of verification: what was said of each hop is written as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.annotations.truth import Truth
from edge.bundle import Thresholds
from edge.contract import NS_PER_S, FeatureRow, Prediction, RunResult, Segment, Telemetry
from edge.verify.evidence import Evidence, gather

LABELS = ("cut", "mix", "pour", "idle")
HOP_NS = NS_PER_S // 2
CLIP_AHEAD_NS = NS_PER_S
"""From the end of the stretch that a label speaks for to the end of its clip."""


def made_run(
    said: Sequence[str],
    *,
    confidence: float | Sequence[float] = 0.9,
    age_ms: float = 100.0,
    clip: str = "a.mp4",
    pace: str = "realtime",
    labels: tuple[str, ...] = LABELS,
    background: str | None = "idle",
) -> RunResult:
    """A run of one hop a word; '' is a hop with nothing to see or hear."""
    levels = [confidence] * len(said) if isinstance(confidence, float) else confidence
    predictions = [_prediction(i, word, levels[i], age_ms, labels) for i, word in enumerate(said)]
    rows = [FeatureRow(i, 16 * i, np.zeros(0, np.float32), np.ones(2, np.float32), 1.0) for i in range(len(said))]
    return RunResult(
        title=clip,
        clip=clip,
        duration_s=(len(said) * HOP_NS + CLIP_AHEAD_NS) / NS_PER_S,
        labels=labels,
        background_label=background,
        pace=pace,  # type: ignore[arg-type]
        rows=tuple(rows),
        predictions=tuple(predictions),
        segments=(),
        telemetry=Telemetry(rows=len(said)),
        notes=(),
    )


def _prediction(index: int, word: str, level: float, age_ms: float, labels: tuple[str, ...]) -> Prediction:
    p = np.full((3, len(labels)), np.nan, np.float32)
    if word:
        p[:] = (1 - level) / (len(labels) - 1)
        p[:, labels.index(word)] = level
    end_ns = (index + 1) * HOP_NS
    return Prediction(
        row_index=index,
        start_ns=index * HOP_NS,
        end_ns=end_ns,
        clip_end_ns=end_ns + CLIP_AHEAD_NS,
        probabilities=p,
        label=word or labels[0],
        confidence=level if word else 0.0,
        unknown=False,
        video_coverage=1.0,
        audio_coverage=1.0,
        emitted_ns=end_ns + CLIP_AHEAD_NS + round(age_ms * 1e6),
        stage_ms={"wait": 7.0, "video": age_ms - 1.0, "head": 1.0},
    )


def made_truth(words: Sequence[str], background: str | None = "idle") -> Truth:
    """The truth of one hop a word; equal neighbours are one segment."""
    segments: list[Segment] = []
    for index, word in enumerate(words):
        start_ns, end_ns = index * HOP_NS, (index + 1) * HOP_NS
        if word == background or not word:
            continue
        if segments and segments[-1].label == word and segments[-1].end_ns == start_ns:
            segments[-1] = Segment(segments[-1].start_ns, end_ns, word, 1.0)
        else:
            segments.append(Segment(start_ns, end_ns, word, 1.0))
    return Truth(tuple(segments))


QUICK = Thresholds(min_duration_s=0.0, smoothing=1.0)
"""Decides by each hop alone."""


def made_evidence(
    said: Sequence[str],
    truth: Sequence[str],
    *,
    thresholds: Thresholds = QUICK,
    label_age_ms: float | None = None,
    **run: object,
) -> Evidence:
    return gather(made_run(said, **run), made_truth(truth), thresholds, label_age_ms)  # type: ignore[arg-type]
