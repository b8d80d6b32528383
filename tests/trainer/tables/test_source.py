from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import UsageError
from tests.argo1m_files import Argo1mFiles, write_argo1m
from trainer.build_backbones import held_out_wearers
from trainer.data.domain_split import shared_domains
from trainer.data.world.domains import PRETRAIN_LOCATIONS, PRETRAIN_SCENARIOS, SPLITS
from trainer.data.world_csv import read_videos_csv
from trainer.tables.argo1m_source import Argo1mSource
from trainer.tables.own_source import OwnSource
from trainer.tables.source import choose_splits, open_source
from trainer.tables.world_source import WorldSource


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Argo1mFiles:
    return write_argo1m(tmp_path_factory.mktemp("argo1m") / "argo1m", clips_per_domain=2)


def test_the_worlds_splits_are_its_own_ten(world: tuple[Path, Path]) -> None:
    source = open_source(*world, None, None)
    assert isinstance(source, WorldSource)
    assert source.splits == tuple(SPLITS)
    assert len(source.splits) == 10


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_of_the_world_holds_out_what_it_says(world: tuple[Path, Path], split: str) -> None:
    clips = WorldSource(*world).load(split)
    for part in (clips.train, clips.source):
        assert shared_domains(part.facts, clips.test.facts) == ((), ())
        for scenario, location in part.facts.domain_counts():
            assert not (scenario in PRETRAIN_SCENARIOS and location in PRETRAIN_LOCATIONS)
    assert set(clips.test.facts.domain_counts()) == {SPLITS[split]}
    assert "idle" not in clips.train.facts.label_names


def test_training_never_sees_the_held_out_wearers(world: tuple[Path, Path]) -> None:
    clips = WorldSource(*world).load("Co-Tok")
    videos = {video.name: video for video in read_videos_csv(world[0] / "videos.csv")}
    names = clips.train.facts.video_names
    wearers, held_out = (
        {videos[names[v]].wearer for v in np.unique(part.facts.video)} for part in (clips.train, clips.source)
    )
    assert not wearers & held_out
    trained_or_held_out = [v for v in videos.values() if v.wearer in wearers | held_out and v.scenario != "Cooking"]
    assert held_out == held_out_wearers([v for v in trained_or_held_out if v.location != "Tokyo"], 0)


def test_clips_of_the_world_know_whether_their_action_is_heard(world: tuple[Path, Path]) -> None:
    """The toy writes r 0.9 where it is, 0.2 where it is not."""
    clips = WorldSource(*world).load("Sp-Bri")
    assert clips.onscreen is not None
    assert np.array_equal(clips.onscreen, clips.test.facts.consistency > 0.5)
    assert 0 < clips.onscreen.mean() < 1


def test_a_folder_of_a_build_is_found_too(world: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "splits").symlink_to(world[0])
    assert open_source(tmp_path, world[1], None, None) == WorldSource(tmp_path / "splits", world[1])


def test_own_clips_hold_out_every_domain(own: tuple[Path, Path]) -> None:
    source = open_source(*own, None, None)
    assert isinstance(source, OwnSource)
    assert len(source.splits) == 9
    clips = source.load("Sport/Catania")
    assert clips.onscreen is None
    assert set(clips.test.facts.domain_counts()) == {("Sport", "Catania")}
    assert shared_domains(clips.train.facts, clips.test.facts) == ((), ())


def test_argo1ms_validation_clips_are_the_source_clips(files: Argo1mFiles) -> None:
    source = open_source(files.csv_folder, files.pt_folder, None, files.manifest)
    assert isinstance(source, Argo1mSource)
    assert source.splits == (files.split.title,)
    assert "only clips whose video has sound" in source.description
    clips = source.load(files.split.title)
    assert clips.source.facts.name.endswith("_val.csv")
    assert clips.train.facts.name.endswith("_train.csv")


def test_beton_files_need_no_features(files: Argo1mFiles) -> None:
    source = open_source(files.beton_folder, None, None, None)
    assert len(source.load(source.splits[0]).test)
    assert "all clips" in source.description


def test_splits_are_chosen_by_name(own: tuple[Path, Path], files: Argo1mFiles) -> None:
    source = OwnSource(*own)
    assert choose_splits([], source) == source.splits
    assert choose_splits([" sport/tokyo", "Sport/Tokyo", "Cooking/Tokyo"], source) == ("Sport/Tokyo", "Cooking/Tokyo")
    assert choose_splits([files.split.code], Argo1mSource(files.csv_folder, files.pt_folder, None, None))
    with pytest.raises(UsageError, match=r"split 'Mars': there is none; take some of Building/Bristol"):
        choose_splits(["Mars"], source)


def test_wrong_sources_are_named(own: tuple[Path, Path], files: Argo1mFiles, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        open_source(tmp_path / "none", None, None, None)
    with pytest.raises(UsageError, match="neither ARGO1M's files"):
        open_source(tmp_path, own[1], None, None)
    with pytest.raises(UsageError, match="--features"):
        open_source(own[0], None, None, None)
    with pytest.raises(UsageError, match="--features"):
        open_source(files.csv_folder, None, None, None)
    with pytest.raises(UsageError, match="are for ARGO1M"):
        open_source(*own, own[1], None)
