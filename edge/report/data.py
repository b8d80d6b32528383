"""report.json: the runs, their scores and the figures of each precision as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from edge.annotations.label_map import Mapped
from edge.bundle import Bundle
from edge.contract import NS_PER_S, RunResult
from edge.score import Score, merge
from edge.verify.figures import Figures
from edge.verify.judge import judge
from edge.verify.played import Played


def report_data(played: Mapping[str, Sequence[Played]], bundle: Bundle, mapped: Mapped | None) -> dict[str, object]:
    """What report.json holds. `clips` and `total` are those of the first precision, `precisions` has all."""
    every = {name: _precision(runs) for name, runs in played.items()}
    first: dict[str, Any] = next(iter(every.values()), {"clips": [], "total": None})
    return {
        "bundle": bundle.describe(),
        "thresholds": asdict(bundle.thresholds),
        "annotation": _annotation(mapped),
        "clips": first["clips"],
        "total": first["total"],
        "precisions": every,
    }


def figures_of(runs: Sequence[Played]) -> Figures | None:
    """Over the annotated clips of one precision; None when there are none."""
    evidence = [run.evidence for run in runs if run.evidence is not None]
    return judge(evidence) if evidence else None


def total_of(runs: Sequence[Played]) -> Score | None:
    """The score of all runs together; None where none has annotations."""
    scores = [run.score for run in runs if run.score is not None]
    return merge(scores) if scores else None


def _precision(runs: Sequence[Played]) -> dict[str, object]:
    figures, total = figures_of(runs), total_of(runs)
    return {
        "clips": [_clip(run.result, run.score) for run in runs],
        "total": total.to_json() if total is not None else None,
        "figures": _rounded(asdict(figures)) if figures is not None else None,
    }


def _annotation(mapped: Mapped | None) -> dict[str, object] | None:
    if mapped is None:
        return None
    return {
        "format": mapped.format,
        "renamed": [{"word": word, "label": label, "actions": n} for (word, label), n in mapped.renamed.items()],
        "unmapped": dict(mapped.unmapped),
        "left_out": dict(mapped.left_out),
        "notes": list(mapped.notes),
    }


def _clip(result: RunResult, score: Score | None) -> dict[str, object]:
    age, frames = result.telemetry.label_age_ms, result.telemetry
    return {
        "clip": result.clip,
        "title": result.title,
        "duration_s": round(result.duration_s, 3),
        "pace": result.pace,
        "frames": {
            "captured": frames.captured_frames,
            "used": frames.used_frames,
            "dropped": frames.dropped_frames,
        },
        "label_age_ms": age and {name: round(ms, 1) for name, ms in zip(("p50", "p95", "p99"), age, strict=True)},
        "notes": list(result.notes),
        "segments": [
            {
                "start_s": round(s.start_ns / NS_PER_S, 3),
                "end_s": round(s.end_ns / NS_PER_S, 3),
                "label": s.label,
                "confidence": round(s.confidence, 4),
            }
            for s in result.segments
        ],
        "score": score and score.to_json(),
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value
