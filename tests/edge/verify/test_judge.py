"""Figures that can be worked out on paper, pooling, and what must not matter."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.annotations.truth import Truth
from edge.contract import MODES, NS_PER_S
from edge.verify.evidence import FOREIGN, NOTHING, UNJUDGED, gather
from edge.verify.judge import judge
from tests.edge.snapshots import seconds
from tests.edge.verify.made_runs import LABELS, QUICK, made_evidence, made_run

WORDS = st.lists(st.sampled_from(LABELS), min_size=4, max_size=25)


def test_figures_on_paper() -> None:
    truth = ["cut"] * 4 + ["idle"] * 2 + ["mix"] * 4
    said = ["cut", "cut", "cut", "mix", "idle", "idle", "mix", "mix", "pour", "pour"]
    figures = judge([made_evidence(said, truth)])
    rows = figures.modes["all"]
    assert (rows.rows, rows.action_rows) == (10, 8)
    assert rows.accuracy == pytest.approx(7 / 10)
    assert rows.action_accuracy == pytest.approx(5 / 8)
    assert rows.mean_class_accuracy == pytest.approx(np.mean([3 / 4, 1, 2 / 4]))
    # Means over a segment: cut wins in the first; mix and pour are level in the second, and mix comes first.
    assert rows.segment_accuracy == 1.0
    assert rows.calibration_error == pytest.approx(0.9 - 0.7)
    # Said: cut 0-1.5, mix 1.5-2, mix 3-4, pour 4-6; annotated: cut 0-2, mix 3-5.
    segments = figures.segments
    assert (segments.annotated, segments.said, segments.matched) == (2, 4, 2)
    assert segments.f1 == pytest.approx(2 * 2 / 6)
    assert segments.seconds_right == pytest.approx(1.5 + 1.0)
    assert segments.annotated_seconds == pytest.approx(4.0)
    assert figures.edits_per_minute == pytest.approx(60 * 2 / 6.0)
    # Both are announced with their first hop, 1.6 s after it began.
    assert figures.announcement_delay_s == pytest.approx(1.6)
    assert figures.label_age_ms == pytest.approx((100, 100, 100))


def test_a_segment_is_judged_by_its_own_rows_alone() -> None:
    words = ["cut", "cut", "cut", "mix", "pour", "pour"]
    figures = judge([made_evidence(words, words, confidence=[0.95, 0.95, 0.95, 0.4, 0.95, 0.95])])
    assert figures.modes["all"].segment_accuracy == 1.0


def test_foreign_actions_are_unknown_and_no_mistake() -> None:
    evidence = made_evidence(["cut"] * 4, ["cut", "cut", "wave", "wave"], confidence=[0.9, 0.8, 0.5, 0.4])
    assert evidence.row_truth.tolist() == [0, 0, FOREIGN, FOREIGN]
    figures = judge([evidence])
    assert figures.modes["all"].accuracy == 1.0
    assert (figures.unknown.known_rows, figures.unknown.unknown_rows) == (2, 2)
    assert figures.unknown.auroc == {"confidence": 1.0, "familiarity": 1.0}
    assert figures.unknown.fpr95 == {"confidence": 0.0, "familiarity": 0.0}
    assert figures.segments.annotated == 1


def test_without_a_background_label_idle_rows_are_unknown() -> None:
    run = made_run(["cut", "mix"], labels=("cut", "mix"), background=None)
    evidence = gather(run, Truth((seconds(0, 0.5, "cut", 1.0),)), QUICK)
    assert evidence.row_truth.tolist() == [0, NOTHING]
    assert judge([evidence]).modes["all"].rows == 1


def test_what_the_annotation_does_not_cover_is_not_judged() -> None:
    run = made_run(["cut", "mix", "mix", "mix"])
    evidence = gather(run, Truth((seconds(0, 0.5, "cut", 1.0),), ((0, NS_PER_S // 2),)), QUICK)
    assert evidence.row_truth.tolist() == [0, UNJUDGED, UNJUDGED, UNJUDGED]
    figures = judge([evidence])
    assert figures.modes["all"].accuracy == 1.0
    assert (figures.segments.said, figures.segments.matched) == (1, 1)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), st.randoms())
def test_the_order_of_the_clips_makes_no_difference(
    clips: list[tuple[list[str], list[str]]], rng: random.Random
) -> None:
    evidence = [made_evidence(s, t, clip=f"{i}.mp4") for i, (s, t) in enumerate(clips)]
    shuffled = list(evidence)
    rng.shuffle(shuffled)
    assert judge(shuffled) == judge(evidence)


@given(WORDS, WORDS)
def test_a_clip_counted_twice_changes_no_ratio(said: list[str], truth: list[str]) -> None:
    one = made_evidence(said, truth, clip="a.mp4")
    single, double = judge([one]), judge([one, made_evidence(said, truth, clip="b.mp4")])
    for mode in MODES:
        assert double.modes[mode].accuracy == pytest.approx(single.modes[mode].accuracy)
        assert double.modes[mode].mean_class_accuracy == pytest.approx(single.modes[mode].mean_class_accuracy)
    assert double.segments.f1 == pytest.approx(single.segments.f1)
    assert double.edits_per_minute == pytest.approx(single.edits_per_minute)


def test_nothing_to_judge_is_no_crash() -> None:
    figures = judge([made_evidence(["", ""], ["idle", "idle"])])
    assert figures.modes["all"].rows == 0
    assert figures.modes["all"].accuracy is None
    assert figures.segments.f1 is None
    with pytest.raises(ValueError, match="one or more"):
        judge([])
