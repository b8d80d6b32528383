"""A label counts from its emission: literal versions, and what must hold whatever is said."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle import Thresholds
from edge.contract import NS_PER_S
from edge.verify.decisions import Said, argmax_segments, decide_again
from edge.verify.emission import emission_times_ns
from edge.verify.judge import judge
from edge.verify.streaming import NEVER, from_announcement, on_screen, seconds_right
from tests.edge.snapshots import seconds
from tests.edge.verify.made_runs import CLIP_AHEAD_NS, HOP_NS, LABELS, QUICK, made_evidence, made_run, made_truth

WORDS = st.lists(st.sampled_from(LABELS), min_size=1, max_size=40)
AGES = st.floats(0, 3000)


@given(st.lists(st.integers(0, 50), min_size=1), st.lists(st.integers(0, 60), min_size=1))
def test_on_screen_is_the_newest_label_that_was_emitted(times: list[int], moments: list[int]) -> None:
    emitted = np.array(sorted(times))
    found = on_screen(emitted, np.array(moments))
    for moment, index in zip(moments, found.tolist(), strict=True):
        there = [i for i, t in enumerate(emitted.tolist()) if t <= moment]
        assert index == (there[-1] if there else NEVER)


@given(WORDS, AGES)
def test_who_is_always_right_offline_is_no_better_on_the_stream(words: list[str], age_ms: float) -> None:
    words = [*words, "idle"]  # the last action would otherwise last to the end of the stream
    figures = judge([made_evidence(words, words, age_ms=age_ms)])
    assert figures.modes["all"].accuracy == 1.0
    assert figures.streaming_accuracy is not None
    assert figures.streaming_accuracy <= 1.0
    offline, streaming = figures.segments, figures.streaming_segments
    assert offline.f1 in (None, 1.0)
    assert streaming.matched <= offline.matched
    for iou, value in streaming.mean_average_precision.items():
        if value is not None:
            assert value <= offline.mean_average_precision[iou] + 1e-12  # type: ignore[operator]


@given(WORDS, WORDS, AGES)
def test_seconds_right_never_grow_by_waiting(said: list[str], truth: list[str], age_ms: float) -> None:
    now, later = (
        judge([made_evidence(said, truth, age_ms=age)]).streaming_segments.seconds_right
        for age in (age_ms, age_ms + 400)
    )
    offline = judge([made_evidence(said, truth, age_ms=age_ms)]).segments.seconds_right
    assert later <= now + 1e-9 <= offline + 2e-9


@given(WORDS, AGES)
def test_the_screen_lags_by_whole_hops_with_a_constant_age(words: list[str], age_ms: float) -> None:
    """Literal: at the middle of hop i the newest label is that of the last hop whose clip ended an age ago."""
    figures = judge([made_evidence(words, words, age_ms=age_ms)])
    lag_ns = CLIP_AHEAD_NS + round(age_ms * 1e6)
    hits = []
    for i, word in enumerate(words):
        told = [j for j in range(len(words)) if (j + 1) * HOP_NS + lag_ns <= i * HOP_NS + HOP_NS // 2]
        hits.append(bool(told) and words[told[-1]] == word)
    assert figures.streaming_accuracy == pytest.approx(np.mean(hits))


def test_emission_at_real_pace_is_what_was_measured_and_a_given_age_overrides() -> None:
    run = made_run(["cut"] * 3, age_ms=250.0)
    assert (emission_times_ns(run) - [p.clip_end_ns for p in run.predictions]).tolist() == [250_000_000] * 3
    assert (emission_times_ns(run, 80) - [p.clip_end_ns for p in run.predictions]).tolist() == [80_000_000] * 3


@given(st.lists(st.floats(1, 2000), min_size=1, max_size=20))
def test_emission_of_a_fast_replay_queues_behind_the_row_before(work_ms: list[float]) -> None:
    run = made_run(["cut"] * len(work_ms), pace="fast")
    for prediction, ms in zip(run.predictions, work_ms, strict=True):
        prediction.stage_ms.clear()
        prediction.stage_ms.update({"wait": 999.0, "window": ms / 4, "video": ms * 3 / 4})
    times = emission_times_ns(run).tolist()
    for i, (t, ms) in enumerate(zip(times, work_ms, strict=True)):
        begun = max(run.predictions[i].clip_end_ns, times[i - 1] if i else 0)
        assert abs(t - begun - ms * 1e6) <= 1
    assert all(a < b for a, b in pairwise(times))


def test_a_segment_is_announced_when_it_is_long_enough() -> None:
    run = made_run(["idle", "cut", "cut", "cut", "cut", "idle"], age_ms=100.0)
    emitted = emission_times_ns(run)
    said = decide_again(run, Thresholds(min_duration_s=1.0, smoothing=1.0), emitted)
    # The second hop of the cut makes it a second long.
    assert [(s.segment.label, s.announced_ns) for s in said] == [("cut", int(emitted[2]))]
    assert said[0].segment.start_ns == HOP_NS


def test_one_action_after_another_is_announced_anew() -> None:
    run = made_run(["cut", "cut", "mix", "mix"])
    emitted = emission_times_ns(run)
    said = decide_again(run, QUICK, emitted)
    assert [(s.segment.label, s.announced_ns) for s in said] == [("cut", int(emitted[0])), ("mix", int(emitted[2]))]


def test_what_is_announced_after_its_end_has_no_length_but_was_said() -> None:
    cut = from_announcement([Said(seconds(1, 3, "cut"), 2 * NS_PER_S), Said(seconds(4, 5, "mix"), 9 * NS_PER_S)])
    assert [(s.start_ns / 1e9, s.end_ns / 1e9) for s in cut] == [(2, 3), (9, 9)]


def test_seconds_right_counts_overlapping_truth_once() -> None:
    truth = [seconds(0, 4, "cut"), seconds(2, 6, "cut"), seconds(0, 9, "mix")]
    assert seconds_right(truth, [seconds(1, 5, "cut"), seconds(8, 12, "mix")]) == pytest.approx(5.0)


def test_argmax_says_every_hop() -> None:
    run = made_run(["idle", "cut", "cut", "", "cut", "mix", "idle"], confidence=[0.9, 0.4, 0.6, 0.9, 0.4, 0.4, 0.9])
    said = argmax_segments(run)
    assert [(s.label, s.start_ns // HOP_NS, s.end_ns // HOP_NS) for s in said] == [
        ("cut", 1, 3), ("cut", 4, 5), ("mix", 5, 6),
    ]  # fmt: skip
    assert said[0].confidence == pytest.approx(0.5)
    assert made_truth(["cut", "cut", "idle"]).segments == (seconds(0, 1, "cut", 1.0),)
