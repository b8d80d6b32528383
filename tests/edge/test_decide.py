"""Segments from probabilities: hysteresis, switching, minimum duration, boundaries."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle import Thresholds
from edge.contract import FeatureRow, Segment
from edge.decide import Decider

LABELS = ("idle", "cut", "mix")
HOP_NS = 533_333_333


def row(index: int, direction: int = 0) -> FeatureRow:
    motion = np.eye(4, dtype=np.float32)[direction]
    return FeatureRow(index, 16 * index, np.zeros(2, np.float32), motion, 1.0)


def decide(
    probabilities: list[list[float]], *, thresholds: Thresholds | None = None, directions: list[int] | None = None
) -> list[Segment]:
    decider = Decider(LABELS, "idle", thresholds or Thresholds(min_duration_s=0.0))
    segments = []
    for index, values in enumerate(probabilities):
        direction = directions[index] if directions else 0
        now = np.array(values, np.float32)
        segments += decider.push(now, row(index, direction), index * HOP_NS, (index + 1) * HOP_NS)
    return segments + decider.finish(len(probabilities) * HOP_NS)


IDLE, CUT, MIX, UNSURE = [0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9], [0.3, 0.45, 0.25]


def test_one_action_between_idle_stretches() -> None:
    segments = decide([IDLE, IDLE, CUT, CUT, CUT, IDLE, IDLE])
    assert [(s.label, s.state) for s in segments] == [("cut", "closed")]
    assert segments[0].start_ns == 2 * HOP_NS
    assert segments[0].end_ns in (5 * HOP_NS, 6 * HOP_NS)
    assert 0.5 < segments[0].confidence <= 0.9


def test_a_doubtful_row_neither_opens_nor_closes() -> None:
    """0.45 is below `on` and above `off`."""
    assert decide([IDLE, UNSURE, UNSURE, IDLE]) == []
    assert len(decide([CUT, CUT, UNSURE, UNSURE, CUT, CUT])) == 1
    # Long enough for the running mean to sink below `on` too: only `off` may close a segment.
    assert len(decide([CUT, CUT, *[UNSURE] * 8, CUT, CUT])) == 1


def test_a_new_action_takes_over_at_once() -> None:
    segments = decide([CUT, CUT, CUT, MIX, MIX, MIX])
    assert [s.label for s in segments] == ["cut", "mix"]
    assert segments[0].end_ns == segments[1].start_ns


def test_background_never_becomes_a_segment() -> None:
    assert decide([IDLE] * 5) == []


def test_short_segments_are_not_reported() -> None:
    assert decide([IDLE, CUT, IDLE, IDLE], thresholds=Thresholds(min_duration_s=3.0)) == []


def test_nothing_seen_or_heard_closes_the_segment() -> None:
    segments = decide([CUT, CUT, [np.nan] * 3, [np.nan] * 3, [np.nan] * 3])
    assert [s.label for s in segments] == ["cut"]
    assert segments[0].end_ns < 5 * HOP_NS


def test_a_feature_jump_forgets_the_past() -> None:
    """0.55 alone opens a segment; averaged with the idle rows before it does not."""
    rows = [IDLE, IDLE, [0.4, 0.55, 0.05], IDLE]
    assert decide(rows) == []
    assert [s.label for s in decide(rows, directions=[0, 0, 1, 2])] == ["cut"]


def test_the_open_segment_is_shown_once_it_is_long_enough() -> None:
    decider = Decider(LABELS, "idle", Thresholds(min_duration_s=1.0))
    decider.push(np.array(CUT, np.float32), row(0), 0, HOP_NS)
    assert decider.open_segment is None
    decider.push(np.array(CUT, np.float32), row(1), HOP_NS, 2 * HOP_NS)
    assert decider.open_segment is not None
    assert decider.open_segment.state == "open"


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1), st.integers(0, 3)), min_size=1, max_size=60
    ),
    st.floats(0, 2),
)
def test_segments_never_overlap_and_all_end(rows: list[tuple[float, float, float, int]], minimum_s: float) -> None:
    values = [np.array(r[:3]) / sum(r[:3]) for r in rows]
    segments = decide(
        [list(v) for v in values],
        thresholds=Thresholds(min_duration_s=minimum_s),
        directions=[r[3] for r in rows],
    )
    for segment in segments:
        assert segment.state == "closed"
        assert segment.end_ns - segment.start_ns >= minimum_s * 1e9 - 1
        assert 0 <= segment.confidence <= 1 + 1e-6
    for before, after in itertools.pairwise(segments):
        assert before.end_ns <= after.start_ns
    if segments:
        assert segments[-1].end_ns <= len(rows) * HOP_NS


def test_unknown_background_is_refused_nowhere() -> None:
    """A bundle without a background label has none to leave out."""
    decider = Decider(("cut", "mix"), None, Thresholds(min_duration_s=0.0))
    decider.push(np.array([0.9, 0.1], np.float32), row(0), 0, HOP_NS)
    assert decider.finish(HOP_NS)[0].label == "cut"


def test_new_thresholds_hold_from_the_next_interval_on() -> None:
    decider = Decider(LABELS, "idle", Thresholds(min_duration_s=0.0, on=0.95, smoothing=1.0))
    cut, mix = np.array(CUT, np.float32), np.array(MIX, np.float32)
    decider.push(cut, row(0), 0, HOP_NS)
    assert decider.open_segment is None
    decider.set_thresholds(Thresholds(min_duration_s=0.0, on=0.5, smoothing=0.25))
    decider.push(cut, row(1), HOP_NS, 2 * HOP_NS)
    assert decider.open_segment is not None
    decider.push(mix, row(2), 2 * HOP_NS, 3 * HOP_NS)
    # A quarter of the newest: without the new smoothing the label would have changed at once.
    assert decider.open_segment is not None
    assert decider.open_segment.label == "cut"


def test_a_segment_that_is_open_at_the_end_lasts_until_the_end() -> None:
    decider = Decider(LABELS, "idle", Thresholds(min_duration_s=0.0))
    decider.push(np.array(CUT, np.float32), row(0), 0, HOP_NS)
    (segment,) = decider.finish(5 * HOP_NS)
    assert (segment.start_ns, segment.end_ns) == (0, 5 * HOP_NS)


def test_a_segment_of_exactly_the_minimum_duration_counts() -> None:
    decider = Decider(LABELS, "idle", Thresholds(min_duration_s=1.0))
    decider.push(np.array(CUT, np.float32), row(0), 0, 10**9)
    assert [s.label for s in decider.finish(10**9)] == ["cut"]
