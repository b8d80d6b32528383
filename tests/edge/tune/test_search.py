"""The search finds planted thresholds, decides as the runtime does, and does not fool itself on what it left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle import Thresholds
from edge.contract import FeatureRow
from edge.tune.familiar import familiarity_threshold, right_familiarity
from edge.tune.material import Counts, TuneClip, announced_share, f1
from edge.tune.proof import prove
from edge.tune.search import counts_of, tuned
from edge.verify.decisions import decide_again
from edge.verify.emission import emission_times_ns
from edge.verify.evidence import gather
from tests.edge.verify.made_runs import LABELS, QUICK, made_run, made_truth

WORDS = st.lists(st.sampled_from((*LABELS, "")), min_size=1, max_size=30)
BEFORE = Thresholds()


def clip(said: list[str], truth: list[str], *, group: str = "a", **run: object) -> TuneClip:
    result = made_run(said, **run)  # type: ignore[arg-type]
    return TuneClip(gather(result, made_truth(truth), QUICK), group)


def noisy(seed: int, group: str, level: float = 0.42) -> TuneClip:
    """Actions of three seconds that are said with little confidence, and single hops of a wrong one."""
    rng = np.random.default_rng(seed)
    truth: list[str] = []
    for _ in range(6):
        truth += [str(rng.choice(LABELS[:3]))] * 6 + ["idle"] * 4
    said = [str(rng.choice(LABELS[:3])) if rng.random() < 0.12 else word for word in truth]
    levels = [0.9 if word == "idle" else level for word in said]
    return clip(said, truth, group=group, confidence=levels, clip=f"{group}-{seed}.mp4")


@settings(max_examples=60)
@given(
    WORDS,
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from((0.0, 0.8, 1.5)),
    st.floats(0.1, 1),
    st.floats(0, 1),
    st.integers(0, 99),
)
def test_it_decides_as_the_runtime_does(
    said: list[str], on: float, share: float, minimum_s: float, weight: float, jump: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    result = made_run(said, confidence=[float(c) for c in rng.uniform(0.3, 0.99, len(said))])
    rows = (FeatureRow(i, 16 * i, np.zeros(0), rng.random(3).astype(np.float32), 1.0) for i in range(len(said)))
    result = replace(result, rows=tuple(rows))
    thresholds = Thresholds(on, on * share, 0.3, minimum_s, weight, jump)
    held = TuneClip(gather(result, made_truth(["idle"]), QUICK), "a")
    expected = decide_again(result, thresholds, emission_times_ns(result))
    assert held.said(thresholds) == expected
    assert held.said(thresholds) == expected, "the second time from what was kept"


def test_planted_thresholds_are_found() -> None:
    clips = [noisy(seed, str(seed)) for seed in range(6)]
    assert f1(counts_of(clips, BEFORE)) == 0.0, "nothing reaches 0.5"
    found = tuned(clips, BEFORE)
    assert f1(counts_of(clips, found)) > 0.9
    assert found.on <= 0.4
    assert (found.unknown, found.familiarity) == (BEFORE.unknown, BEFORE.familiarity)


def test_what_is_perfect_stays_as_it_is() -> None:
    words = ["idle", "cut", "cut", "cut", "idle", "mix", "mix", "mix", "idle", "idle"]
    assert tuned([clip(words, words)], replace(BEFORE, smoothing=1.0)) == replace(BEFORE, smoothing=1.0)


def test_the_search_is_never_worse_than_where_it_starts() -> None:
    for seed in range(4):
        clips = [noisy(seed, "a", level=0.7), noisy(seed + 50, "b", level=0.35)]
        assert f1(counts_of(clips, tuned(clips, BEFORE))) >= f1(counts_of(clips, BEFORE))


def test_what_is_announced_in_time_remains() -> None:
    """Long smoothing finds more segments here, but late: the floor forbids it."""
    clips = [noisy(seed, str(seed), level=0.7) for seed in range(5)]
    before = announced_share(counts_of(clips, BEFORE))
    for floor in (0.0, 0.5, 1.0):
        found = announced_share(counts_of(clips, tuned(clips, BEFORE, floor)))
        assert before is not None
        assert found is not None
        assert found >= floor * before - 1e-9
    free, held = (f1(counts_of(clips, tuned(clips, BEFORE, floor))) for floor in (0.0, 1.0))
    assert free >= held >= f1(counts_of(clips, BEFORE))


def test_every_threshold_is_varied_and_none_closes_above_its_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: set[Thresholds] = set()
    counts = TuneClip.counts

    def recorded(held: TuneClip, thresholds: Thresholds) -> Counts:
        tried.add(thresholds)
        return counts(held, thresholds)

    monkeypatch.setattr(TuneClip, "counts", recorded)
    tuned([noisy(3, "a"), noisy(4, "b")], BEFORE)
    assert all(one.off <= one.on for one in tried)
    for name, least in (("on", 10), ("off", 10), ("min_duration_s", 4), ("smoothing", 6), ("jump_cosine", 6)):
        assert len({getattr(one, name) for one in tried}) >= least, name
    assert max(len({one.off for one in tried if one.on == on}) for on in {one.on for one in tried}) >= 8
    assert {(one.unknown, one.familiarity) for one in tried} == {(BEFORE.unknown, BEFORE.familiarity)}


def test_proof_on_groups_left_out_and_on_unseen_clips() -> None:
    clips = [noisy(seed, group) for seed, group in enumerate("aabbccdd")]
    proof = prove(clips, [noisy(9, "z")], BEFORE)
    assert proof.left_out is not None
    assert proof.unseen is not None
    assert proof.left_out.groups == 4
    assert proof.helps
    assert proof.left_out.f1["tuned"] > 0.8 > proof.left_out.f1["before"] == 0.0
    assert proof.left_out.over_before is not None
    low, high = proof.left_out.over_before
    assert 0.5 < low <= proof.left_out.f1["tuned"] <= high + 1e-9
    assert proof.unseen.over_before is None, "one group has no interval"
    assert proof.unseen.streaming["before"] == 0.0
    assert proof.unseen.streaming["tuned"] is not None
    assert 0.0 < proof.unseen.streaming["tuned"] < proof.unseen.f1["tuned"]
    assert proof.after.unknown == 0.0
    assert proof.after.familiarity == familiarity_threshold(clips)
    assert prove(list(reversed(clips)), [], BEFORE).left_out == proof.left_out


def test_a_group_left_out_has_no_part_in_its_own_thresholds() -> None:
    """The first group needs a low threshold; the second, with its weak false hops, a high one."""
    low = [noisy(seed, "low", level=0.42) for seed in range(3)]
    truth = (["cut"] * 6 + ["idle"] * 6) * 4
    said = (["cut"] * 6 + ["mix"] * 6) * 4
    levels = ([0.95] * 6 + [0.45] * 6) * 4
    high = [clip(said, truth, group="high", confidence=levels, clip=f"high-{n}.mp4") for n in range(3)]
    proof = prove([*low, *high], [], replace(BEFORE, smoothing=1.0))
    assert proof.left_out is not None
    assert proof.fitted.f1["tuned"] > proof.left_out.f1["tuned"] + 0.2


def test_one_group_leaves_nothing_out() -> None:
    proof = prove([noisy(1, "a"), noisy(2, "a")], [], BEFORE)
    assert proof.left_out is None
    assert proof.unseen is None
    with pytest.raises(ValueError, match="at least one"):
        prove([], [], BEFORE)


def test_labels_without_meaning_gain_nothing_outside_the_fit() -> None:
    """Said at random: whatever a fit finds, groups left out must not show a gain that is not there."""
    rng = np.random.default_rng(5)
    clips = []
    for number in range(4):
        said = [str(w) for w in rng.choice(LABELS, 40)]
        truth = [str(w) for w in np.repeat(rng.choice(LABELS, 10), 4)]
        clips.append(clip(said, truth, group=str(number), clip=f"{number}.mp4"))
    proof = prove(clips, [], BEFORE)
    assert proof.left_out is not None
    assert proof.left_out.f1["tuned"] <= proof.fitted.f1["tuned"] + 1e-9
    assert proof.left_out.over_before is not None
    assert proof.left_out.over_before[0] < 0.1


def test_the_familiarity_keeps_95_of_100_right_labels() -> None:
    levels = [float(level) for level in np.random.default_rng(2).uniform(0.3, 0.95, 200)]
    clips = [clip(["cut"] * 200, ["cut"] * 100 + ["mix"] * 100, confidence=levels)]
    threshold, right = familiarity_threshold(clips), right_familiarity(clips)
    assert len(right) == 100
    assert 0.95 <= np.mean(right >= threshold) <= 0.96
    assert familiarity_threshold([clip(["cut"], ["mix"])]) == 0.0


def test_f1_of_counts() -> None:
    assert f1([Counts(2, 3, 4), Counts(1, 1, 2)]) == pytest.approx(2 * 3 / 10)
    assert f1([Counts(0, 0, 0)]) == 0.0
