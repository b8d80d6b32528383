"""Made-up runs with all that a report needs to know of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from edge.annotations.truth import Truth
from edge.bundle import Bundle, FeatureDims, Thresholds
from edge.contract import FeatureRow, RunResult
from edge.score import score_run
from edge.verify.evidence import gather
from edge.verify.played import Played
from tests.edge.snapshots import BACKGROUND, LABELS, SPEC, run_result, truth_segments

BUNDLE = Bundle(
    path=Path("made-up"),
    labels=LABELS,
    background_label=BACKGROUND,
    window=SPEC,
    feature_dims=FeatureDims(3, 2, 2),
    temperatures={"f32": 1.0},
    thresholds=Thresholds(),
    selection={},
    provenance={"name": "demo"},
    sha256={f"{name}.onnx": "0" * 64 for name in ("video", "fbank", "audio", "head")},
)


def with_rows(result: RunResult) -> RunResult:
    rows = (FeatureRow(p.row_index, 16 * p.row_index, np.zeros(0), np.ones(2), 1.0) for p in result.predictions)
    return replace(result, rows=tuple(rows))


def played(result: RunResult | None = None, *, annotated: bool = True, media: Path = Path("none.mp4")) -> Played:
    result = with_rows(result or run_result())
    if not annotated:
        return Played(media, result, None, None, None)
    truth = Truth(truth_segments(result.duration_s))
    return Played(media, result, truth, score_run(result, truth), gather(result, truth, Thresholds()))
