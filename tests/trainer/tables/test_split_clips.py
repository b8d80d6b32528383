from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.argo1m_files import Argo1mFiles, write_argo1m
from trainer.data.argo1m_load import read_split
from trainer.data.clip_table import ClipTable
from trainer.data.errors import DatasetError
from trainer.tables.join_tables import join_tables
from trainer.tables.own_source import OwnSource
from trainer.tables.split_clips import SplitClips, source_videos, video_folds
from trainer.tables.train_unit import training_and_test


@pytest.fixture(scope="module")
def clips(own: tuple[Path, Path]) -> SplitClips:
    return OwnSource(*own).load("Cooking/Tokyo")


def same_clips(first: ClipTable, second: ClipTable) -> bool:
    a, b = (table.batch(np.arange(len(table))) for table in (first, second))
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("appearance", "motion", "audio", "label", "heard")
    )


def test_folds_hold_whole_videos_and_about_equally_many_clips(clips: SplitClips) -> None:
    fold = video_folds(clips.test.facts)
    for video in np.unique(clips.test.facts.video):
        assert len(set(fold[clips.test.facts.video == video].tolist())) == 1
    counts = np.bincount(fold)
    assert len(counts) == 2
    assert abs(counts[0] - counts[1]) <= max(np.bincount(clips.test.facts.video))


def test_one_video_cannot_be_divided(clips: SplitClips) -> None:
    first = clips.test.facts.select(clips.test.facts.video == clips.test.facts.video[0])
    with pytest.raises(DatasetError, match=r"1 videos in the held-out domain.*--splits"):
        video_folds(first)


def test_within_the_domain_training_and_test_share_no_video_and_tests_cover_the_domain(clips: SplitClips) -> None:
    covered = np.zeros(len(clips.test), int)
    for fold in (0, 1):
        train, tested = training_and_test(clips, fold)
        names = train.facts.video_names
        trained = {names[v] for v in np.unique(train.facts.video)}
        test_names = clips.test.facts.video_names
        assert not trained & {test_names[v] for v in np.unique(clips.test.facts.video[tested])}
        assert len(train) == len(clips.train) + int((~tested).sum())
        covered += tested
    assert (covered == 1).all()
    train, tested = training_and_test(clips, None)
    assert train is clips.train
    assert tested.all()


def test_source_videos_are_never_trained_on(clips: SplitClips) -> None:
    facts = clips.train.facts
    assert not set(facts.video.tolist()) & set(clips.source.facts.video.tolist())
    again = source_videos(facts)
    assert np.array_equal(again, source_videos(facts))
    assert 0 < again.sum() < len(again)
    with pytest.raises(DatasetError, match="one video"):
        source_videos(facts.select(facts.video == facts.video[0]))


def test_a_fingerprint_changes_with_labels_rows_and_features(clips: SplitClips) -> None:
    base = clips.sha256()
    assert base == clips.sha256()
    facts = replace(clips.train.facts, label=clips.train.facts.label[::-1].copy())
    rows = replace(clips.train.video, rows=clips.train.video.rows[::-1].copy())
    values = replace(clips.train.video, appearance=np.asarray(clips.train.video.appearance) + 1)
    changed = [
        replace(clips, train=replace(clips.train, facts=facts)),
        replace(clips, train=replace(clips.train, video=rows)),
        replace(clips, train=replace(clips.train, video=values)),
        replace(clips, onscreen=np.zeros(len(clips.test), bool)),
    ]
    assert len({base, *(other.sha256() for other in changed)}) == 5


def test_a_joined_table_has_the_clips_of_both(clips: SplitClips) -> None:
    joined = join_tables(clips.train, clips.test)
    assert same_clips(joined.select(np.arange(len(clips.train))), clips.train)
    assert same_clips(joined.select(np.arange(len(clips.train), len(joined))), clips.test)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Argo1mFiles:
    return write_argo1m(tmp_path_factory.mktemp("join") / "argo1m", clips_per_domain=2)


def test_tables_of_different_csv_files_join_by_names(files: Argo1mFiles) -> None:
    """Texts and videos are numbered by file: what a clip says must stay with it."""
    tables = read_split(files.csv_folder, files.split, files.beton_folder.parent / "pt")
    train, test = tables["train"], tables["test"]
    shared = ClipTable(test.facts, replace(train.video, rows=train.video.rows[: len(test)]), test.audio)
    joined = join_tables(train, shared).facts

    def said(facts: object, clip: int) -> tuple[str, str]:
        text = facts.narration[clip]  # type: ignore[attr-defined]
        names = facts.video_names, facts.texts  # type: ignore[attr-defined]
        return names[0][facts.video[clip]], names[1][text] if text >= 0 else ""  # type: ignore[attr-defined]

    for clip in range(len(train)):
        assert said(joined, clip) == said(train.facts, clip)
    for clip in range(len(test)):
        assert said(joined, len(train) + clip) == said(test.facts, clip)


def test_tables_of_different_files_cannot_be_joined(files: Argo1mFiles) -> None:
    tables = read_split(files.beton_folder, files.split)
    with pytest.raises(DatasetError, match="one feature store"):
        join_tables(tables["train"], tables["test"])


def test_tables_of_other_classes_cannot_be_joined(clips: SplitClips) -> None:
    facts = replace(clips.test.facts, label_names=("a", *clips.test.facts.label_names[1:]))
    with pytest.raises(DatasetError, match="label_names differ"):
        join_tables(clips.train, replace(clips.test, facts=facts))
