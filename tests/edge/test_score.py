from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract import Prediction, RunResult, Segment, Telemetry
from edge.score import ModeScore, Score, merge, score_run
from tests.edge.snapshots import HOP_NS, prediction, seconds

LABELS = ("cut", "pour", "idle")


def run(
    predictions: tuple[Prediction, ...] = (),
    segments: tuple[Segment, ...] = (),
    *,
    background: str | None = "idle",
    pace: Literal["realtime", "fast", "live"] = "realtime",
    duration_s: float = 30.0,
) -> RunResult:
    return RunResult("t", "t.mp4", duration_s, LABELS, background, pace, (), predictions, segments, Telemetry(), ())


def said(row: int, *labels: str, audio: bool = True, age_ms: float = 100.0) -> Prediction:
    """All, video, audio say the three labels (or all say the one)."""
    first, video, audio_label = labels if len(labels) == 3 else (labels[0],) * 3
    return prediction(row, first, video_label=video, audio_label=audio_label, audio=audio, age_ms=age_ms, labels=LABELS)


def test_rows_are_counted_by_mode_inside_actions_and_over_all() -> None:
    truth = [Segment(0, 2 * HOP_NS, "cut", 1.0)]
    score = score_run(
        run((said(0, "cut", "cut", "pour"), said(1, "pour", "cut", "idle"), said(2, "idle", "cut", "idle"))), truth
    )
    assert score.modes == (
        ModeScore(rows=3, correct=2, action_rows=2, action_correct=1),
        ModeScore(rows=3, correct=2, action_rows=2, action_correct=2),
        ModeScore(rows=3, correct=1, action_rows=2, action_correct=0),
    )
    assert score.modes[0].action_accuracy == 0.5
    assert score.modes[0].accuracy == pytest.approx(2 / 3)
    assert score.confusion == ((1, 1, 0), (0, 0, 0), (0, 0, 1))


def test_the_truth_is_the_label_at_the_middle_of_the_stretch() -> None:
    half = HOP_NS // 2
    starts_before_the_middle = score_run(run((said(0, "cut"),)), [Segment(half, 9 * HOP_NS, "cut", 1.0)])
    starts_after_the_middle = score_run(run((said(0, "cut"),)), [Segment(half + 1, 9 * HOP_NS, "cut", 1.0)])
    assert starts_before_the_middle.modes[0] == ModeScore(1, 1, 1, 1)
    assert starts_after_the_middle.modes[0] == ModeScore(1, 0, 0, 0)


def test_a_missing_modality_is_not_counted() -> None:
    score = score_run(run((said(0, "cut", audio=False), said(1, "cut"))), [seconds(0, 5, "cut")])
    assert score.modes[1] == ModeScore(2, 2, 2, 2)
    assert score.modes[2] == ModeScore(1, 1, 1, 1, missing=1)


def test_without_a_background_label_rows_outside_actions_are_not_counted() -> None:
    score = score_run(run((said(0, "cut"), said(5, "cut")), background=None), [Segment(0, HOP_NS, "cut", 1.0)])
    assert score.modes[0] == ModeScore(1, 1, 1, 1)


def test_annotated_background_is_no_action() -> None:
    score = score_run(run((said(0, "idle"),), (seconds(0, 5, "idle"),)), [seconds(0, 5, "idle")])
    assert score.modes[0] == ModeScore(rows=1, correct=1)
    assert (score.truth_segments, score.said_segments, score.segment_f1) == (0, 0, None)


def test_an_annotated_label_that_the_bundle_does_not_know_counts_as_wrong() -> None:
    score = score_run(
        run((said(0, "cut"), said(1, "cut"))),
        [Segment(0, HOP_NS, "juggle", 1.0), Segment(HOP_NS, 2 * HOP_NS, "cut", 1.0)],
    )
    assert score.foreign_labels == ("juggle",)
    assert score.modes[0].action_accuracy == 0.5
    assert score.confusion[3] == (1, 0, 0, 0)


def test_chance_and_most_frequent_label() -> None:
    truth = [Segment(0, 3 * HOP_NS, "cut", 1.0), Segment(3 * HOP_NS, 4 * HOP_NS, "pour", 1.0)]
    score = score_run(run(tuple(said(row, "pour") for row in range(10))), truth)
    assert score.chance == pytest.approx(1 / 3)
    assert score.majority_action_accuracy == 0.75
    assert score.majority_accuracy == 0.6


def test_segment_f1_precision_recall_and_edits() -> None:
    truth = [seconds(0, 10, "cut"), seconds(10, 20, "pour"), seconds(20, 30, "cut")]
    segments = (seconds(1, 10, "cut"), seconds(10, 14, "pour"), seconds(20, 29, "pour"), seconds(29, 30, "unknown"))
    score = score_run(run(segments=segments), truth)
    assert (score.matched_segments, score.said_segments, score.truth_segments) == (1, 3, 3)
    assert score.precision == score.recall == score.segment_f1 == pytest.approx(1 / 3)
    assert score.edits == 1
    assert score.edits_per_minute == 2.0


def test_label_age_only_at_real_pace() -> None:
    predictions = tuple(said(row, "cut", age_ms=float(row)) for row in range(101))
    age = score_run(run(predictions), []).label_age_ms
    assert age == pytest.approx((50, 95, 99))
    assert score_run(run(predictions, pace="live"), []).label_age_ms == pytest.approx((50, 95, 99))
    assert score_run(run(predictions, pace="fast"), []).label_age_ms is None


def test_an_empty_run_has_no_figures_and_is_plain_json() -> None:
    score = score_run(run(duration_s=0.0), [])
    data = json.loads(json.dumps(score.to_json(), allow_nan=False))
    assert data["rows"]["all"] == {
        "action_accuracy": None, "action_rows": 0, "accuracy": None, "rows": 0, "missing_rows": 0,
    }  # fmt: skip
    assert data["segments"]["f1"] is None
    assert data["label_age_ms"] is None


def test_merging_pools_rows_and_does_not_average_averages() -> None:
    good = score_run(run(tuple(said(row, "cut") for row in range(9))), [seconds(0, 30, "cut")])
    bad = score_run(run((said(0, "pour"),)), [seconds(0, 30, "cut"), seconds(40, 50, "juggle")])
    total = merge([good, bad])
    assert total.runs == 2
    assert total.modes[0].action_accuracy == 0.9
    assert total.all_labels == ("cut", "pour", "idle", "juggle")
    assert total.confusion[0] == (9, 1, 0, 0)
    assert total.truth_segments == 3
    assert len(total.label_ages_ms) == 10


def test_scores_of_different_bundles_do_not_merge() -> None:
    score = score_run(run(), [])
    with pytest.raises(ValueError, match="different label sets"):
        merge([score, replace(score, labels=("cut",))])
    with pytest.raises(ValueError, match="no scores"):
        merge([])


@st.composite
def scores(draw: st.DrawFn) -> Score:
    names = st.sampled_from((*LABELS, "juggle", "knit"))
    hops = draw(st.lists(st.sampled_from(LABELS), max_size=8))
    starts = draw(st.lists(st.integers(0, 8), max_size=4, unique=True).map(sorted))
    truth = [Segment(start * HOP_NS, (start + 1) * HOP_NS, draw(names), 1.0) for start in starts]
    made = tuple(said(row, label, audio=draw(st.booleans())) for row, label in enumerate(hops))
    return score_run(run(made, tuple(truth[:2])), truth)


@given(scores(), scores(), scores())
def test_merging_in_any_grouping_gives_the_same_total(a: Score, b: Score, c: Score) -> None:
    assert merge([a, merge([b, c])]) == merge([merge([a, b]), c]) == merge([a, b, c])


@given(scores())
def test_counts_agree_with_each_other(score: Score) -> None:
    counts = np.array(score.confusion)
    assert counts.sum() == score.modes[0].rows
    assert np.trace(counts) == score.modes[0].correct
    for mode in score.modes:
        assert mode.action_correct <= mode.action_rows <= mode.rows
        assert mode.action_correct <= mode.correct <= mode.rows
        assert mode.rows + mode.missing == score.modes[0].rows + score.modes[0].missing
