from __future__ import annotations

import numpy as np
import pytest
import torch

from edge.contract import NS_PER_S, WindowSpec
from trainer.data.clips_csv import Annotation
from trainer.data.world_csv import SoundEvent
from trainer.features.frame_cache import DecodedClip
from trainer.pretrain_audio import (
    PretrainAudioSettings,
    SoundTrack,
    average_precision,
    pretrain_audio,
    window_targets,
)
from trainer.pretrain_augment import augment_row
from trainer.pretrain_video import Phase, PretrainVideoSettings, pretrain_video
from trainer.pretrain_windows import PretrainClip, draw_balanced, labelled_rows

SPEC = WindowSpec(frame_size_px=64)
LABELS = ("sway", "flash", "idle")


def annotation(label: str, start_s: float, end_s: float) -> Annotation:
    return Annotation(round(start_s * NS_PER_S), round(end_s * NS_PER_S), label, "", "", "", "", 1.0)


def moving_bar(seed: int, ticks: int = 240) -> PretrainClip:
    """A bar that sways for 2.5 s, flashes for 2.5 s, and rests between."""
    rng = np.random.default_rng(seed)
    frames = np.full((ticks, 64, 64, 3), 60, np.uint8)
    phase = rng.uniform(0, 6)
    for tick in range(ticks):
        wave = np.sin(0.8 * tick + phase)
        x = 32 + (int(20 * wave) if 15 <= tick < 90 else 0)
        frames[tick, 12:52, x - 6 : x + 6] = 20 if 135 <= tick < 210 and wave > 0 else 230
    annotations = (annotation("sway", 0.5, 3.0), annotation("flash", 4.5, 7.0))
    return PretrainClip(f"{seed}.mp4", DecodedClip(frames, np.zeros(0, np.float32)), annotations)


def test_rows_are_labelled_at_their_centre_and_kept_away_from_boundaries() -> None:
    windows = labelled_rows([moving_bar(0)], LABELS, "idle", SPEC, stride_ticks=1)
    centre_s = (windows.start_tick + 16) / 30
    inside = {"sway": (0.5, 3.0), "flash": (4.5, 7.0)}
    for label, centre in zip(windows.label, centre_s, strict=True):
        expected = next((name for name, (a, b) in inside.items() if a <= centre < b), "idle")
        assert LABELS[label] == expected
    boundaries = np.array([0.5, 3.0, 4.5, 7.0])
    assert np.abs(centre_s[:, None] - boundaries).min() >= 0.2 - 1e-9
    assert windows.start_tick.max() == 240 - 32


def test_classes_are_drawn_equally_often_whatever_their_number() -> None:
    labels = np.array([0] * 990 + [1] * 9 + [4])
    drawn = labels[draw_balanced(labels, 3000, np.random.default_rng(0))]
    assert [int((drawn == k).sum()) for k in (0, 1, 4)] == pytest.approx([1000] * 3, abs=120)


def test_augmentation_changes_every_frame_alike_and_differs_between_draws() -> None:
    frames = np.repeat(np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8), 8, axis=0)
    first = augment_row(frames, 48, np.random.default_rng(1))
    assert first.shape == (8, 48, 48, 3)
    assert first.dtype == np.uint8
    assert (first == first[:1]).all()
    np.testing.assert_array_equal(first, augment_row(frames, 48, np.random.default_rng(1)))
    assert not np.array_equal(first, augment_row(frames, 48, np.random.default_rng(2)))


def test_augmentation_keeps_the_middle_in_view_on_average() -> None:
    frame = np.zeros((1, 65, 65, 3), np.uint8)
    frame[0, 31:34, 31:34] = 255
    places = []
    for seed in range(300):
        view = augment_row(frame, 65, np.random.default_rng(seed))[0].max(axis=2).astype(float)
        view[view < 128] = 0
        places.append([(view.sum(a) @ np.arange(65)) / view.sum() for a in (0, 1)])
    assert np.mean(places, axis=0) == pytest.approx([32, 32], abs=0.8)
    assert np.abs(np.array(places) - 32).max() < 8


def test_video_backbone_learns_motion_and_is_reproducible() -> None:
    clips = [moving_bar(seed) for seed in range(4)]
    settings = PretrainVideoSettings(phases=(Phase(240, 64, 16), Phase(80, 64, 32)), batch=8)
    net, accuracy = pretrain_video(clips[:3], clips[3:], LABELS, "idle", SPEC, settings, lambda line: None)
    assert accuracy > 0.7  # chance is a third
    assert not net.training

    short = PretrainVideoSettings(phases=(Phase(8, 32, 16), Phase(8, 64, 32)), batch=8)
    first, second = (
        pretrain_video(clips[:3], [], LABELS, "idle", SPEC, short, lambda line: None)[0].state_dict() for _ in range(2)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_targets_of_a_window_need_an_overlap() -> None:
    events = (SoundEvent("hum", 0.0, 10.0), SoundEvent("click", 2.0, 2.5), SoundEvent("bark", 3.1, 4.0))
    sounds = ("bark", "click", "hum")
    assert window_targets(events, 1.0, 3.2, sounds).tolist() == [0, 1, 1]  # 0.1 s of the bark is too little
    assert window_targets(events, 2.31, 4.0, sounds).tolist() == [1, 0, 1]
    assert window_targets(events, 20.0, 22.0, sounds).tolist() == [0, 0, 0]


def test_average_precision_of_a_case_worked_by_hand() -> None:
    scores, targets = np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, 0])
    assert average_precision(scores, targets) == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert average_precision(scores, np.array([0, 0, 0, 1])) == pytest.approx(0.25)


def tone_track(seed: int) -> SoundTrack:
    rng = np.random.default_rng(seed)
    time_s = np.arange(16_000 * 8) / 16_000
    low = np.sin(2 * np.pi * 300 * time_s) * ((time_s > 0.5) & (time_s < 3))
    high = np.sin(2 * np.pi * 2500 * time_s) * ((time_s > 4) & (time_s < 7))
    samples = (0.2 * (low + high) + 0.003 * rng.normal(size=len(time_s))).astype(np.float32)
    return SoundTrack(f"{seed}.mp4", samples, (SoundEvent("low", 0.5, 3), SoundEvent("high", 4, 7)))


def test_audio_backbone_learns_tones_and_is_reproducible() -> None:
    tracks = [tone_track(seed) for seed in range(3)]
    settings = PretrainAudioSettings(windows=320, batch=16, mix_share=0.3)
    beats, precision = pretrain_audio(tracks[:2], tracks[2:], ("high", "low"), SPEC, settings, lambda line: None)
    assert precision > 0.9
    assert not beats.training

    short = PretrainAudioSettings(windows=16, batch=8)
    first, second = (
        pretrain_audio(tracks, [], ("high", "low"), SPEC, short, lambda line: None)[0].state_dict() for _ in range(2)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
