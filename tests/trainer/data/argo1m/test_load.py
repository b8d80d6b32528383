from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.argo1m_files import FAULTS, Argo1mFiles, write_argo1m
from tests.trainer.data.argo1m.test_features import expected_features
from trainer.data.argo1m import split_named
from trainer.data.argo1m_audio import read_manifest
from trainer.data.argo1m_csv import read_argo1m_csv
from trainer.data.argo1m_load import read_split
from trainer.data.argo1m_pt import pack_pt
from trainer.data.clip_table import ClipTable
from trainer.data.errors import DatasetError


def packed(files: Argo1mFiles, out: Path) -> Path:
    pack_pt(files.pt_folder, [read_argo1m_csv(files.csv(part)) for part in files.parts], out)
    return out


def dense(table: ClipTable) -> np.ndarray:
    batch = table.batch(np.arange(len(table)))
    appearance, motion = batch.appearance.reshape(len(table), 3, -1), batch.motion.reshape(len(table), 3, -1)
    return np.concatenate([appearance.numpy(), motion.numpy()], axis=2)


def test_pt_files_a_packed_store_and_beton_files_give_one_table(right_files: Argo1mFiles, tmp_path: Path) -> None:
    split = right_files.split
    tables = [
        read_split(right_files.csv_folder, split, right_files.pt_folder),
        read_split(right_files.csv_folder, split, packed(right_files, tmp_path / "store")),
        read_split(right_files.beton_folder, split),
    ]
    for part, name in (("train", "train"), ("validation", "val"), ("test", "test")):
        for parts in tables:
            table = parts[part]
            assert np.array_equal(dense(table), expected_features(right_files, name))
            for column in ("label", "scenario", "location", "video", "narration"):
                assert np.array_equal(getattr(table.facts, column), getattr(tables[0][part].facts, column))


def test_the_audio_subset_keeps_the_clips_whose_video_has_sound(right_files: Argo1mFiles, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for part, clips in right_files.parts.items():
        for path in (right_files.csv(part), right_files.beton(part)):
            np.save(tmp_path / f"{path.stem}.npy", rng.random((len(clips), 8), np.float32))
    heard = read_manifest(right_files.manifest)
    for folder, features in ((right_files.csv_folder, right_files.pt_folder), (right_files.beton_folder, None)):
        tables = read_split(folder, right_files.split, features, tmp_path, heard)
        for part, name in (("train", "train"), ("test", "test")):
            kept = [i for i, clip in enumerate(right_files.parts[name]) if clip.uid in heard]
            table = tables[part]
            assert 0 < len(table) == len(kept) < len(right_files.parts[name])
            assert np.array_equal(dense(table), expected_features(right_files, name)[kept])
            stem = (right_files.csv(name) if features else right_files.beton(name)).stem
            audio = np.load(tmp_path / f"{stem}.npy")[kept]
            assert np.array_equal(table.batch(np.arange(len(kept))).audio.numpy(), audio)


def test_a_split_whose_clips_all_lack_sound_is_refused(right_files: Argo1mFiles) -> None:
    with pytest.raises(DatasetError, match=r"Ar_ITA_train\.csv: holds no clip"):
        read_split(right_files.csv_folder, right_files.split, right_files.pt_folder, heard=set())


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("no column", "no column 'action_start_feature_idx'"),
        ("label 60", r"label 60 is not in 0\.\.59"),
        ("empty split", r"Ar_ITA_test\.csv: holds no clip"),
        ("no test file", r"no Ar_ITA_test\.csv or Arts_and_craft_ITA_test\.csv"),
        ("domains overlap", r"Ar_ITA_train\.csv and Ar_ITA_test\.csv share the location Catania"),
        ("missing features", r"\.pt: missing; download"),
        ("features of another model", r"expected \[N, 2304\]"),
        ("NaN in features", r"holds NaN or infinity"),
    ],
)
def test_bad_inputs_are_refused_in_one_line(files: Argo1mFiles, fault: str, message: str) -> None:
    FAULTS[fault][1](files)
    with pytest.raises(DatasetError, match=message) as caught:
        read_split(files.csv_folder, files.split, files.pt_folder)
    assert "\n" not in str(caught.value)


def test_another_split_and_no_folder_are_refused(right_files: Argo1mFiles) -> None:
    with pytest.raises(DatasetError, match=r"no Co_JPN_train\.csv or Cooking_JPN_train\.csv; download it"):
        read_split(right_files.csv_folder, split_named("Co_JPN"), right_files.pt_folder)
    with pytest.raises(DatasetError, match=r"no such folder; give a feature store or the folder of Ego4D's \.pt files"):
        read_split(right_files.csv_folder, right_files.split, right_files.folder / "none")


def test_the_files_need_no_validation_part(tmp_path: Path) -> None:
    files = write_argo1m(tmp_path / "a", "Cooking_JPN", "raw", clips_per_domain=1)
    files.csv("val").unlink()
    assert list(read_split(files.csv_folder, files.split, files.pt_folder)) == ["train", "test"]
