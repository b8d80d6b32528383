from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.contract import WindowSpec
from tests.argo1m_files import Argo1mFiles, Clip, feature_rows, write_csv
from trainer.data.argo1m_audio import read_clip_audio, read_manifest, sound_mask
from trainer.data.argo1m_csv import Argo1mClips, read_argo1m_csv
from trainer.data.argo1m_pt import gather_pt, open_pt, pack_pt
from trainer.data.argo1m_store import StoreRows, store_audio, store_video
from trainer.data.clip_rows import VideoRows, take_rows
from trainer.data.errors import DatasetError
from trainer.features.store import FeatureStore, VideoFeatures


def expected_features(files: Argo1mFiles, part: str) -> np.ndarray:
    """float32 [n, 3, 2304] straight from the made-up features, clip by clip."""
    spec = WindowSpec()
    taken = []
    for clip in files.parts[part]:
        values = feature_rows(clip.uid, files.video_rows[clip.uid])
        rows = spec.clip_row_indices(clip.start, clip.end)
        taken.append(values[np.clip(rows, 0, len(values) - 1)])
    return np.stack(taken)


def gathered(video: VideoRows) -> np.ndarray:
    return np.concatenate([take_rows(video.appearance, video.rows), take_rows(video.motion, video.rows)], axis=2)


def test_pt_files_are_mapped_and_a_clip_gets_its_three_rows(right_files: Argo1mFiles) -> None:
    clips = read_argo1m_csv(right_files.csv("train"))
    seen: list[tuple[int, int]] = []
    video = gather_pt(right_files.pt_folder, clips, lambda done, total: seen.append((done, total)))
    assert np.array_equal(gathered(video), expected_features(right_files, "train"))
    assert seen == [(i + 1, 18) for i in range(18)]
    assert len(video.appearance) <= len(clips) * 3


def test_a_clip_that_reaches_behind_its_video_takes_the_last_row(files: Argo1mFiles) -> None:
    clip = files.parts["test"][0]
    last = files.video_rows[clip.uid] - 1
    write_csv(files.csv("test"), [Clip(clip.uid, 1, 1, 4, last - 1, last + 7, "")], "readme")
    clips = read_argo1m_csv(files.csv("test"))
    values = feature_rows(clip.uid, last + 1)
    expected = values[[last - 1, last, last]][None]
    assert np.array_equal(gathered(gather_pt(files.pt_folder, clips)), expected)
    store = pack_pt(files.pt_folder, [clips], files.folder / "store")
    assert np.array_equal(gathered(store_video(StoreRows(store), clips)), expected)


def test_older_and_half_precision_pt_files_are_read(tmp_path: Path) -> None:
    values = torch.from_numpy(feature_rows("a", 5))
    torch.save(values, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    torch.save(values.half(), tmp_path / "half.pt")
    assert np.array_equal(open_pt(tmp_path, "old"), values.numpy())
    assert np.array_equal(open_pt(tmp_path, "half"), values.half().numpy())


class _Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pt_file_cannot_run_code(tmp_path: Path, zipped: bool) -> None:
    torch.save(_Bomb(tmp_path / "ran"), tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(DatasetError, match=r"a\.pt: cannot be read"):
        open_pt(tmp_path, "a")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("shape", [(4, 2048), (2304,), (0, 2304), (2, 2304, 1)])
def test_features_of_another_width_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    torch.save(torch.zeros(shape), tmp_path / "a.pt")
    with pytest.raises(DatasetError, match=r"a\.pt: features are \[.*\], expected \[N, 2304\]"):
        open_pt(tmp_path, "a")


def test_missing_damaged_and_foreign_pt_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"a\.pt: missing; download"):
        open_pt(tmp_path, "a")
    (tmp_path / "a.pt").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(DatasetError, match=r"a\.pt: cannot be read"):
        open_pt(tmp_path, "a")
    torch.save(torch.zeros((3, 2304), dtype=torch.int32), tmp_path / "a.pt")
    with pytest.raises(DatasetError, match=r"a\.pt: holds no float tensor"):
        open_pt(tmp_path, "a")


def test_nan_in_a_used_row_is_refused_and_names_file_and_row(files: Argo1mFiles) -> None:
    clips = read_argo1m_csv(files.csv("test"))
    clip = files.parts["test"][0]
    path = files.pt_folder / f"{clip.uid}.pt"
    features = torch.load(path, weights_only=True)
    features[clip.start, 7] = float("nan")
    torch.save(features, path)
    with pytest.raises(DatasetError, match=rf"{clip.uid}\.pt: row {clip.start} holds NaN"):
        gather_pt(files.pt_folder, clips)
    with pytest.raises(DatasetError, match=rf"{clip.uid}\.pt: row {clip.start} holds NaN"):
        pack_pt(files.pt_folder, [clips], files.folder / "store")


def test_a_packed_store_gives_the_same_features_and_packing_goes_on(right_files: Argo1mFiles, tmp_path: Path) -> None:
    parts = [read_argo1m_csv(right_files.csv(part)) for part in ("train", "val", "test")]
    pack_pt(right_files.pt_folder, parts[:1], tmp_path / "store")  # a run that ended early
    seen: list[tuple[int, int]] = []
    store = pack_pt(right_files.pt_folder, parts, tmp_path / "store", lambda *done: seen.append(done))
    assert seen[-1] == (24, 24)
    assert store.widths["audio"] == 0
    with pytest.raises(DatasetError, match="store: was made without audio"):
        store_audio(StoreRows(store), parts[0])
    assert store.rows < sum(right_files.video_rows.values())
    rows = StoreRows(FeatureStore.open(tmp_path / "store"))
    for part, clips in zip(("train", "val", "test"), parts, strict=True):
        video = store_video(rows, clips)
        assert isinstance(video.appearance, np.memmap)
        assert np.array_equal(gathered(video), expected_features(right_files, part))


def test_rows_that_were_not_packed_are_missed(right_files: Argo1mFiles, tmp_path: Path) -> None:
    clip = right_files.parts["train"][0]
    for name, start in (("packed", 0), ("asked", 5)):
        write_csv(tmp_path / f"{name}.csv", [Clip(clip.uid, 0, 3, 1, start, start + 2, "")], "readme")
    store = pack_pt(right_files.pt_folder, [read_argo1m_csv(tmp_path / "packed.csv")], tmp_path / "store")
    with pytest.raises(DatasetError, match=rf"rows of {clip.uid} that asked\.csv needs were not packed"):
        store_video(StoreRows(store), read_argo1m_csv(tmp_path / "asked.csv"))


def extracted(tmp_path: Path, videos: dict[str, list[float]], width: int = 3) -> StoreRows:
    """A store as our own extraction makes it; audio of row i of video v is the constant 100 v + i, by coverage."""
    store = FeatureStore.create(tmp_path / "own", {"appearance": 2, "motion": 2, "audio": width}, {"window": 1})
    for number, (name, coverage) in enumerate(videos.items()):
        count = len(coverage)
        values = np.repeat((100.0 * number + np.arange(count, dtype=np.float32))[:, None], width, axis=1)
        start = np.arange(count) * 16
        start[-1] -= 5  # the last row of a video ends on its last frame
        heard = np.array(coverage, np.float32)
        store.append(name, VideoFeatures(start, start / 30, values[:, :2], values[:, :2], values, heard))
    return StoreRows(store)


def test_an_empty_store_is_refused(tmp_path: Path) -> None:
    store = FeatureStore.create(tmp_path / "none", {"appearance": 2, "motion": 2, "audio": 2}, {})
    with pytest.raises(DatasetError, match="none: holds no features"):
        StoreRows(store)


def clips_at(tmp_path: Path, spans: list[tuple[str, int, int]]) -> Argo1mClips:
    write_csv(tmp_path / "clips.csv", [Clip(uid, 0, 3, 1, start, end, "") for uid, start, end in spans], "code")
    return read_argo1m_csv(tmp_path / "clips.csv")


def test_an_extracted_store_is_found_by_uid_and_row_number(tmp_path: Path) -> None:
    rows = extracted(tmp_path, {"a.mp4": [1.0] * 6, "b": [1.0] * 4})
    clips = clips_at(tmp_path, [("b", 1, 3), ("a", 4, 9), ("b", 0, 0)])
    video = store_video(rows, clips)
    assert take_rows(video.appearance, video.rows)[:, :, 0].tolist() == [[101, 102, 103], [4, 5, 5], [100, 100, 100]]
    with pytest.raises(DatasetError, match=r"no features of 2 of the videos of clips\.csv \(first: c\)"):
        store_video(rows, clips_at(tmp_path, [("c", 1, 3), ("d", 4, 9), ("b", 0, 0)]))


def test_audio_of_a_store_spreads_its_windows_over_the_clip(tmp_path: Path) -> None:
    rows = extracted(tmp_path, {"a": [1, 1, 1, 1, 1, 1, 1, 1, 0, 0], "silent": [0.0] * 4})
    clips = clips_at(tmp_path, [("a", 1, 3), ("a", 0, 0), ("a", 1, 7), ("a", 5, 9), ("silent", 0, 3), ("a", 6, 20)])
    audio = store_audio(rows, clips)
    # One window at row 3; row 0's window; rows 3, 5, 7; rows 7 and silent 8, 9; nothing; all three behind the end.
    assert audio.rows.tolist()[:3] == [[3, 3, 3], [0, 0, 0], [3, 5, 7]]
    mixed = np.einsum("nkd,nk->nd", audio.values[audio.rows], audio.weights)[:, 0]
    assert mixed.tolist() == pytest.approx([3, 0, 5, 7, 0, 0])
    assert audio.heard.tolist() == [True, True, True, True, False, False]
    assert rows.heard_videos() == {"a"}


def test_audio_by_clip_is_a_mapped_array_in_the_order_of_the_file(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    values[2] = 0
    np.save(tmp_path / "a.npy", values)
    audio = read_clip_audio(tmp_path / "a.npy", np.array([3, 2, 0]))
    assert isinstance(audio.values, np.memmap)
    assert audio.values[audio.rows[:, 0]].tolist() == values[[3, 2, 0]].tolist()
    assert audio.heard.tolist() == [True, False, True]


def test_bad_audio_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"

    def refused(message: str) -> None:
        with pytest.raises(DatasetError, match=message):
            read_clip_audio(path, np.array([0, 2]))

    refused(r"a\.npy: cannot be read")
    np.save(path, np.array([{"a": 1}], object), allow_pickle=True)
    refused(r"a\.npy: cannot be read")
    np.save(path, np.zeros((3, 2), np.float64))
    refused(r"a\.npy: expected float32 \[clips, width\]")
    np.save(path, np.zeros((2, 2), np.float32))
    refused(r"a\.npy: 2 rows, but clip 2 is wanted")
    np.save(path, np.array([[0, 0], [0, 0], [0, np.nan]], np.float32))
    refused(r"a\.npy: row 2 holds NaN")


def test_the_manifest_tells_which_videos_have_sound(right_files: Argo1mFiles) -> None:
    heard = read_manifest(right_files.manifest)
    assert len(heard) == 16
    clips = read_argo1m_csv(right_files.csv("train"))
    mask = sound_mask(clips.facts, heard)
    assert mask.tolist() == [clip.uid in heard for clip in right_files.parts["train"]]
    assert 0 < mask.sum() < len(clips)


@pytest.mark.parametrize("cell", ["", "nan", "0", "0.0", "-1", "none"])
def test_a_video_without_a_duration_of_sound_has_none(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text(f"video_uid,canonical_audio_duration_sec\na,{cell}\nb,2.5\n")
    assert read_manifest(path) == {"b"}


def test_a_manifest_without_its_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text("video_uid,duration_sec\na,1\n")
    with pytest.raises(DatasetError, match=r"manifest\.csv: no column 'canonical_audio_duration_sec'"):
        read_manifest(path)
    with pytest.raises(DatasetError, match=r"none\.csv: cannot be read"):
        read_manifest(tmp_path / "none.csv")
