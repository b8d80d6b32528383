"""The plans of the built-in world: what happens when, what is heard, and who may train on what."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from trainer.data.world.actions import ACTIONS, BY_LABEL, IDLE_LABEL, LABELS
from trainer.data.world.domains import (
    DEMO_SPLIT,
    DOMAINS,
    LOCATIONS,
    PRETRAIN_LOCATIONS,
    PRETRAIN_SCENARIOS,
    SCENARIOS,
    SPLITS,
    domain_role,
    split_roles,
)
from trainer.data.world.kits import KITS
from trainer.data.world.mix import sound_events
from trainer.data.world.motion import action_motion, beat_times_s
from trainer.data.world.narration import SOUND_CLASSES
from trainer.data.world.script import OFFSCREEN_SHARE, Plan, make_plan, make_wearer
from trainer.data.world.tables import annotation_rows, sound_rows
from trainer.data.world.track import FPS, make_track


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    """Two videos of every domain."""
    return [make_plan(7, scenario, location, k) for scenario, location in DOMAINS for k in range(2)]


def test_package_needs_no_torch() -> None:
    code = "import sys, trainer.data.world.write, trainer.data.world.sheet; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_same_seed_same_plan_other_seed_other_plan() -> None:
    first = make_plan(3, "Cooking", "Tokyo", 1)
    assert make_plan(3, "Cooking", "Tokyo", 1) == first
    assert make_plan(3, "Cooking", "Tokyo", 1).digest() == first.digest()
    assert make_plan(4, "Cooking", "Tokyo", 1).segments != first.segments
    assert make_plan(3, "Cooking", "Tokyo", 2).segments != first.segments


def test_every_action_appears_about_equally_often(plans: list[Plan]) -> None:
    count = Counter(segment.label for plan in plans for segment in plan.segments)
    assert set(count) == set(LABELS)
    assert IDLE_LABEL not in count
    mean = sum(count.values()) / len(LABELS)
    assert all(0.6 * mean < n < 1.5 * mean for n in count.values()), count


def test_segments_lie_apart_inside_the_video(plans: list[Plan]) -> None:
    for plan in plans:
        for before, after in zip(plan.segments, plan.segments[1:], strict=False):
            assert 0.99 <= after.start_s - before.end_s <= 3.01
            assert before.marked_end_s < after.marked_start_s
        for segment in plan.segments:
            low_s, high_s = BY_LABEL[segment.label].duration_s
            assert low_s - 0.01 <= segment.end_s - segment.start_s <= high_s + 0.01
            assert 0 <= segment.marked_start_s < segment.marked_end_s <= plan.duration_s
            assert abs(segment.marked_start_s - segment.start_s) <= 0.251
            assert abs(segment.marked_end_s - segment.end_s) <= 0.251


def test_marked_times_are_jittered(plans: list[Plan]) -> None:
    errors_s = np.array([s.marked_start_s - s.start_s for plan in plans for s in plan.segments])
    assert 0.07 < errors_s.std() < 0.16
    assert abs(errors_s.mean()) < 0.02


def test_a_quarter_of_the_segments_is_drowned_by_a_sound_from_off_screen(plans: list[Plan]) -> None:
    segments = [segment for plan in plans for segment in plan.segments]
    share = np.mean([not segment.sound_onscreen for segment in segments])
    assert abs(share - OFFSCREEN_SHARE) < 3.5 * np.sqrt(OFFSCREEN_SHARE * (1 - OFFSCREEN_SHARE) / len(segments))
    for segment in segments:
        if segment.sound_onscreen:
            assert segment.other_sound is None
            assert 0.7 <= segment.consistency <= 1.0
        else:
            assert segment.other_sound is not None
            assert segment.other_sound != BY_LABEL[segment.label].sound
            assert segment.own_gain_db < -15
            assert 0.0 <= segment.consistency <= 0.35


def test_narrations_name_the_action_and_the_sound(plans: list[Plan]) -> None:
    for plan in plans:
        for segment in plan.segments:
            assert segment.narration.startswith("#C C ")
            assert segment.narration[5:] == KITS[plan.scenario, segment.label].words
            assert segment.audio_narration
    verbs = {
        "cut": "cuts",
        "mix": "mixes",
        "turn-on": "turns on",
        "turn-off": "turns off",
        "wash": "washes",
        "close": "closes",
    }
    for (_, label), kit in KITS.items():
        assert kit.words.startswith(verbs.get(label, f"{label}s") + " "), kit


def test_sound_list_names_every_sound_once(plans: list[Plan]) -> None:
    ambience = {location.ambience for location in LOCATIONS}
    for plan in plans:
        events = sound_events(plan)
        assert [e.sound for e in events if e.role == "ambience"] == [e.sound for e in events if e.sound in ambience]
        assert {e.sound for e in events} <= set(SOUND_CLASSES) | ambience
        assert all(0 <= e.start_s < e.end_s <= plan.duration_s for e in events)
        heard = {e.segment for e in events if e.role == "own" and e.gain_db > -16}
        expected = {k for k, s in enumerate(plan.segments) if s.sound_onscreen and BY_LABEL[s.label].sound is not None}
        assert heard == expected
    assert {s.noise for s in SCENARIOS} <= set(SOUND_CLASSES)
    assert {a.sound for a in ACTIONS if a.sound} <= set(SOUND_CLASSES)


def test_tables_have_one_row_a_segment_and_a_sound(plans: list[Plan]) -> None:
    plan = plans[0]
    rows = annotation_rows(plan)
    assert [row[3] for row in rows] == [segment.label for segment in plan.segments]
    assert [row[-1] for row in rows] == [int(segment.sound_onscreen) for segment in plan.segments]
    assert len(sound_rows(plan)) == len(sound_events(plan))


@pytest.mark.parametrize(("one", "two"), [("cut", "peel"), ("wash", "rub"), ("turn-on", "turn-off")])
def test_pairs_that_differ_in_sound_only_move_alike(plans: list[Plan], one: str, two: str) -> None:
    segments = [s for plan in plans for s in plan.segments if s.label == one][:20]
    assert BY_LABEL[one].rate_hz == BY_LABEL[two].rate_hz
    assert BY_LABEL[one].amplitude_px == BY_LABEL[two].amplitude_px
    assert BY_LABEL[one].duration_s == BY_LABEL[two].duration_s
    assert BY_LABEL[one].sound != BY_LABEL[two].sound
    for segment in segments:
        tau_s = np.linspace(0, segment.end_s - segment.start_s, 50)
        first, second = action_motion(segment, tau_s), action_motion(replace(segment, label=two), tau_s)
        np.testing.assert_array_equal(first.main_px, second.main_px)
        np.testing.assert_array_equal(first.tool_rad, second.tool_rad)


def test_drill_and_screw_differ_by_a_shiver_only(plans: list[Plan]) -> None:
    segment = next(s for plan in plans for s in plan.segments if s.label == "drill")
    tau_s = np.linspace(0, segment.end_s - segment.start_s, 90)
    drill, screw = action_motion(segment, tau_s), action_motion(replace(segment, label="screw"), tau_s)
    assert 0 < np.abs(drill.main_px - screw.main_px).max() < 4
    np.testing.assert_array_equal(drill.tool_rad, screw.tool_rad)


def test_close_is_open_backwards(plans: list[Plan]) -> None:
    segment = next(s for plan in plans for s in plan.segments if s.label == "open")
    length_s = segment.end_s - segment.start_s
    tau_s = np.linspace(0, length_s, 40)
    opened = action_motion(segment, tau_s)
    closed = action_motion(replace(segment, label="close"), length_s - tau_s)
    np.testing.assert_allclose(opened.main_px, closed.main_px, atol=1e-9)
    assert opened.progress[0] < 0.01 < 0.99 < opened.progress[-1]


def test_mix_goes_round_and_scrape_goes_straight(plans: list[Plan]) -> None:
    def roundness(label: str) -> float:
        segment = next(s for plan in plans for s in plan.segments if s.label == label and s.end_s - s.start_s > 2.5)
        path = action_motion(segment, np.linspace(0.5, segment.end_s - segment.start_s - 0.5, 200)).main_px
        spread = np.linalg.svd(path - path.mean(0), compute_uv=False)
        return float(spread[1] / spread[0])

    assert roundness("mix") > 0.5 > roundness("scrape")


def test_beats_follow_the_rate(plans: list[Plan]) -> None:
    segment = next(s for plan in plans for s in plan.segments if s.label == "cut" and s.end_s - s.start_s > 3)
    beats_s = beat_times_s(segment)
    assert len(beats_s) == pytest.approx(segment.rate_hz * (segment.end_s - segment.start_s), abs=1.6)
    strokes_px = action_motion(segment, beats_s).main_px[:, 1]
    middle_px = action_motion(segment, np.linspace(0, segment.end_s - segment.start_s, 300)).main_px[:, 1].mean()
    assert (strokes_px[1:-1] > middle_px + 5).all()


def test_hands_never_jump(plans: list[Plan]) -> None:
    for plan in plans[:12]:
        track = make_track(plan)
        assert len(track.current) == round(plan.duration_s * FPS)
        relative = track.main_px - np.stack([track.focus_px, np.zeros_like(track.focus_px)], 1)
        assert np.abs(np.diff(relative, axis=0)).max() < 45
        assert np.abs(np.diff(track.focus_px)).max() < 75
        for index, segment in enumerate(plan.segments):
            inside = slice(int(segment.start_s * FPS) + 1, int(segment.end_s * FPS))
            assert (track.current[inside] == index).all()
            assert track.in_hand[inside].all()


def test_splits_hold_scenario_and_location_out_and_spare_the_pretraining_domains() -> None:
    assert len(SPLITS) == 10
    assert len(set(SPLITS.values())) == 10
    assert DEMO_SPLIT in SPLITS
    for split, tested in SPLITS.items():
        roles = split_roles(split)
        assert set(roles) == set(DOMAINS)
        assert [domain for domain, role in roles.items() if role == "test"] == [tested]
        assert domain_role(*tested) == "held-out"
        train = [domain for domain, role in roles.items() if role == "train"]
        assert len(train) == 23
        for scenario, location in train:
            assert scenario != tested[0]
            assert location != tested[1]
            assert domain_role(scenario, location) != "pretrain"


def test_domain_roles() -> None:
    assert len(PRETRAIN_SCENARIOS) == 4
    assert len(PRETRAIN_LOCATIONS) == 3
    assert Counter(domain_role(*domain) for domain in DOMAINS) == {"pretrain": 12, "mixed": 24, "held-out": 12}


def test_wearers_differ_and_stay_at_their_location() -> None:
    assert make_wearer(1, "Tokyo", 2) == make_wearer(1, "Tokyo", 2)
    assert make_wearer(1, "Tokyo", 2) != make_wearer(1, "Bristol", 2)
    wearers = [make_wearer(1, location.name, number) for location in LOCATIONS for number in range(1, 7)]
    assert len({w.skin_rgb for w in wearers}) == 6
    assert {w.side for w in wearers} == {-1, 1}


def test_too_short_a_video_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        make_plan(1, "Cooking", "Tokyo", 0, duration_s=2.0)
