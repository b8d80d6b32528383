from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from trainer.data.clip_facts import ClipFacts
from trainer.data.clip_rows import AudioRows, VideoRows, silence
from trainer.data.clip_table import ClipBatch, ClipTable
from trainer.data.domain_split import hold_out, require_disjoint, shared_domains
from trainer.data.errors import DatasetError
from trainer.data.resident_clips import ResidentClips

N, A, M, D = 40, 6, 3, 5


def facts(seed: int = 0) -> ClipFacts:
    rng = np.random.default_rng(seed)
    return ClipFacts(
        name="made up",
        video=rng.integers(0, 7, N),
        label=rng.integers(0, 4, N),
        scenario=rng.integers(0, 3, N),
        location=rng.integers(0, 2, N),
        consistency=rng.random(N, np.float32),
        narration=rng.integers(-1, 5, N),
        audio_narration=rng.integers(-1, 5, N),
        video_names=tuple("abcdefg"),
        label_names=("cut", "pour", "mix", "wash"),
        scenario_names=("Cooking", "Sport", "Playing"),
        location_names=("Tokyo", "India"),
        texts=("one", "two", "three", "four", "five"),
    )


def table(mapped: Path | None = None) -> ClipTable:
    rng = np.random.default_rng(1)
    appearance, motion = rng.random((30, A), np.float32), rng.random((30, M), np.float32)
    if mapped is not None:
        appearance.tofile(mapped / "a.f32")
        appearance = np.memmap(mapped / "a.f32", "<f4", "r", shape=(30, A))
    weights = rng.random((N, 2), np.float32) * (rng.random((N, 1)) > 0.3)
    audio = AudioRows(rng.random((20, D), np.float32), rng.integers(0, 20, (N, 2)), weights.astype(np.float32))
    return ClipTable(facts(), VideoRows(appearance, motion, rng.integers(0, 30, (N, 3))), audio)


def values(batch: ClipBatch) -> Iterator[np.ndarray]:
    for value in vars(batch).values():
        yield value.numpy()


def test_a_batch_is_what_a_loop_over_its_clips_gathers(tmp_path: Path) -> None:
    t = table(tmp_path)
    chosen = np.array([3, 39, 3, 0])
    batch = t.batch(chosen)
    for place, clip in enumerate(chosen):
        rows = t.video.rows[clip]
        assert batch.appearance[place].tolist() == [v for row in rows for v in t.video.appearance[row].tolist()]
        assert batch.motion[place].tolist() == [v for row in rows for v in t.video.motion[row].tolist()]
        audio = sum(t.audio.weights[clip, k] * t.audio.values[t.audio.rows[clip, k]] for k in range(2))
        assert batch.audio[place].numpy() == pytest.approx(audio)
        assert batch.heard[place] == float(t.audio.weights[clip].any())
        for column in ("label", "scenario", "location", "consistency", "narration", "audio_narration"):
            assert getattr(batch, column)[place] == getattr(t.facts, column)[clip]
    assert t.widths == (A, M, D)


def test_a_batch_owns_its_memory(tmp_path: Path) -> None:
    t = table(tmp_path)
    t.batch(np.array([0, 1])).appearance.zero_()
    assert t.video.appearance[t.video.rows[0, 0]].any()


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_a_resident_table_gives_the_same_batches(tmp_path: Path, device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no NVIDIA GPU")
    t = table(tmp_path)
    resident = ResidentClips(t, device)
    chosen = np.array([7, 7, 0, 39])
    found = resident.batch(torch.from_numpy(chosen).to(device)).to("cpu")
    assert len(resident) == N
    for expected, value in zip(values(t.batch(chosen)), values(found), strict=True):
        assert value == pytest.approx(expected, abs=1e-6)


def test_a_table_in_memory_holds_every_used_row_once() -> None:
    t = table().select(np.arange(4))
    small = t.in_memory()
    assert len(small.video.appearance) == len(np.unique(t.video.rows)) < 30
    for expected, value in zip(values(t.batch(np.arange(4))), values(small.batch(np.arange(4))), strict=True):
        assert np.array_equal(expected, value)


def test_a_selection_is_the_same_clips() -> None:
    t = table()
    for expected, value in zip(
        values(t.batch(np.array([9, 2]))), values(t.select(np.array([9, 2])).batch(np.array([0, 1]))), strict=True
    ):
        assert np.array_equal(expected, value)
    with pytest.raises(DatasetError, match="made up: holds no clip"):
        t.select(np.zeros(N, bool))


@pytest.mark.parametrize("modality", ["appearance", "motion", "audio"])
def test_nan_in_features_is_found_and_names_the_clip(modality: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.data.clip_table._CHUNK", 3)
    t = table()
    t.require_finite()
    clip = 31
    if modality == "audio":
        row, array = t.audio.rows[clip, 1], t.audio.values
        others = (t.audio.rows == row).any(axis=1)
    else:
        row, array = t.video.rows[clip, 2], getattr(t.video, modality)
        others = (t.video.rows == row).any(axis=1)
    array[row, -1] = np.inf
    first = int(others.argmax())
    with pytest.raises(DatasetError, match=rf"made up: clip {first} \([a-g]\): {modality} holds NaN or infinity"):
        t.require_finite()
    assert list(t.not_finite()) == [(first, modality)]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("label", 4, r"clip 5: label 4 is not in 0\.\.3"),
        ("video", -1, r"clip 5: video -1 is not in 0\.\.6"),
        ("scenario", 3, r"scenario 3 is not in 0\.\.2"),
        ("location", 2, r"location 2 is not in 0\.\.1"),
        ("narration", 5, r"narration 5 is not in -1\.\.4"),
        ("audio_narration", -2, r"audio_narration -2 is not in -1\.\.4"),
        ("consistency", 1.5, r"consistency 1\.5 is not in 0\.\.1"),
        ("consistency", np.nan, r"consistency nan is not in 0\.\.1"),
    ],
)
def test_facts_out_of_range_are_refused(column: str, value: float, message: str) -> None:
    changed = getattr(facts(), column).copy()
    changed[5] = value
    with pytest.raises(DatasetError, match=message):
        replace(facts(), **{column: changed})


def test_parts_of_other_clips_are_refused() -> None:
    t = table()
    with pytest.raises(DatasetError, match=r"40 clips, 40 of video, 3 of audio"):
        replace(t, audio=silence(3, D))
    with pytest.raises(DatasetError, match=r"video rows \(40, 3\) do not fit features of 10 rows"):
        replace(t.video, appearance=t.video.appearance[:10])
    with pytest.raises(DatasetError, match=r"audio weights have shape \(40, 1\)"):
        replace(t.audio, weights=t.audio.weights[:, :1])
    with pytest.raises(DatasetError, match=r"label has shape|video has shape"):
        replace(facts(), label=facts().label[:3])


def test_counts_of_classes_and_domains() -> None:
    f = facts()
    assert f.label_counts() == {name: int((f.label == i).sum()) for i, name in enumerate(f.label_names)}
    expected = {
        (s, p): int(((f.scenario == i) & (f.location == j)).sum())
        for i, s in enumerate(f.scenario_names)
        for j, p in enumerate(f.location_names)
    }
    assert f.domain_counts() == {domain: count for domain, count in expected.items() if count}
    only = f.select((f.label == 1) & (f.scenario == 2))
    assert only.label_counts()["cut"] == 0
    assert all(scenario == "Playing" for scenario, _ in only.domain_counts())


def test_a_held_out_domain_shares_neither_name_with_training() -> None:
    f = facts()
    train, test = hold_out(f, "Sport", "India")
    assert {(f.scenario[i], f.location[i]) for i in test} == {(1, 1)}
    assert len(test) == ((f.scenario == 1) & (f.location == 1)).sum()
    assert len(train) == ((f.scenario != 1) & (f.location != 1)).sum()
    require_disjoint(f.select(train), f.select(test))
    assert shared_domains(f.select(train), f.select(test)) == ((), ())
    with pytest.raises(DatasetError, match=r"no scenario 'Dance'; there are Cooking, Sport, Playing"):
        hold_out(f, "Dance", "India")
    with pytest.raises(DatasetError, match=r"no training clip when Sport/India is held out"):
        hold_out(f.select(f.scenario == 1), "Sport", "India")


def test_domains_that_overlap_are_refused_by_name() -> None:
    f = facts()
    train, test = hold_out(f, "Sport", "India")
    leaked = f.select(np.append(train, np.flatnonzero((f.scenario == 1) & (f.location == 0))[:1]))
    with pytest.raises(DatasetError, match="made up and made up share the scenario Sport: the domain is not held out"):
        require_disjoint(leaked, f.select(test))
    renumbered = replace(f.select(test), location_names=("India", "Tokyo"), location=1 - f.location[test])
    require_disjoint(f.select(train), renumbered)  # compared by name and not by number
