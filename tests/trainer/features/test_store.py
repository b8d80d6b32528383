from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from trainer.features.store import FeatureStore, FeatureStoreError, VideoFeatures

WIDTHS = {"appearance": 4, "motion": 3, "audio": 2}
SPEC = {"hop_frames": 16, "slow_frames": (0, 4)}


def features(rows: int, seed: int) -> VideoFeatures:
    rng = np.random.default_rng(seed)
    start = np.arange(rows, dtype=np.int64) * 16
    arrays = {name: rng.normal(size=(rows, width)).astype(np.float32) for name, width in WIDTHS.items()}
    return VideoFeatures(start, start / 30.0, **arrays, audio_coverage=rng.random(rows, dtype=np.float32))


def same(a: VideoFeatures, b: VideoFeatures) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in vars(a))


def filled(path: Path) -> FeatureStore:
    store = FeatureStore.create(path, WIDTHS, SPEC)
    store.append("a.mp4", features(5, 0))
    store.append("b.mp4", features(3, 1))
    return store


def test_what_was_written_is_read_back_as_memory_maps(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    store = FeatureStore.open(tmp_path / "store")
    assert store.videos == ("a.mp4", "b.mp4")
    assert (store.rows, store.widths, store.spec["slow_frames"]) == (8, WIDTHS, [0, 4])
    assert same(store.video("a.mp4"), features(5, 0))
    assert same(store.video("b.mp4"), features(3, 1))
    whole = store.array("motion")
    assert isinstance(whole, np.memmap)
    assert whole.shape == (8, 3)
    with pytest.raises(ValueError):
        whole[0, 0] = 1.0


def test_the_index_names_every_row(tmp_path: Path) -> None:
    index = filled(tmp_path).index()
    assert index.column_names == ["video", "row", "start_tick", "t_start_s", "audio_coverage"]
    assert index["video"].to_pylist() == ["a.mp4"] * 5 + ["b.mp4"] * 3
    assert index["row"].to_pylist() == list(range(8))
    assert index["start_tick"].to_pylist() == [0, 16, 32, 48, 64, 0, 16, 32]
    assert index["t_start_s"].to_pylist()[1] == pytest.approx(16 / 30)


def test_a_store_that_was_killed_while_writing_loses_only_the_video_in_flight(tmp_path: Path) -> None:
    """A child commits one video, then is killed in the second one after some of its arrays were written."""
    program = f"""
        import os, signal, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parents[3])!r})
        from tests.trainer.features.test_store import SPEC, WIDTHS, features
        from trainer.features.store import FeatureStore
        store = FeatureStore.create(Path({str(tmp_path / "store")!r}), WIDTHS, SPEC)
        store.append("a.mp4", features(5, 0))
        write, calls = os.fsync, []
        def killing(fd):
            write(fd)
            calls.append(fd)
            if len(calls) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
        os.fsync = killing
        store.append("b.mp4", features(3, 1))
    """
    child = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], timeout=60)
    assert child.returncode == -signal.SIGKILL
    assert (tmp_path / "store" / "appearance.f32").stat().st_size == 8 * 4 * 4  # the half-written video is there

    store = FeatureStore.create(tmp_path / "store", WIDTHS, SPEC)
    assert store.videos == ("a.mp4",)
    assert store.array("appearance").shape == (5, 4)
    store.append("c.mp4", features(2, 2))
    assert same(store.video("a.mp4"), features(5, 0))
    assert same(store.video("c.mp4"), features(2, 2))
    assert os.path.getsize(tmp_path / "store" / "appearance.f32") == 7 * 4 * 4


def test_a_video_is_added_once(tmp_path: Path) -> None:
    store = filled(tmp_path)
    with pytest.raises(FeatureStoreError, match=r"a\.mp4 is already in the store"):
        store.append("a.mp4", features(5, 0))


def test_another_spec_or_other_widths_are_refused(tmp_path: Path) -> None:
    filled(tmp_path)
    with pytest.raises(FeatureStoreError, match="another spec"):
        FeatureStore.create(tmp_path, WIDTHS, {**SPEC, "hop_frames": 8})
    with pytest.raises(FeatureStoreError, match="another spec"):
        FeatureStore.create(tmp_path, {**WIDTHS, "audio": 5}, SPEC)


@pytest.mark.parametrize("broken", ["shape", "nan"])
def test_bad_features_are_refused_and_nothing_is_committed(tmp_path: Path, broken: str) -> None:
    store = filled(tmp_path)
    good = features(2, 3)
    motion = good.motion[:, :2] if broken == "shape" else np.where(good.motion > 0, np.nan, good.motion)
    bad = VideoFeatures(**{**vars(good), "motion": motion.astype(np.float32)})
    with pytest.raises(FeatureStoreError, match="motion"):
        store.append("c.mp4", bad)
    store.append("d.mp4", good)
    assert store.videos == ("a.mp4", "b.mp4", "d.mp4")
    assert same(FeatureStore.open(tmp_path).video("d.mp4"), good)


def test_damage_is_named(tmp_path: Path) -> None:
    filled(tmp_path)
    with pytest.raises(FeatureStoreError, match=r"no features of z\.mp4"):
        FeatureStore.open(tmp_path).video("z.mp4")
    with open(tmp_path / "audio.f32", "ab") as file:
        file.truncate(40)
    with pytest.raises(FeatureStoreError, match="shorter than its index"):
        FeatureStore.open(tmp_path).array("audio")
    (tmp_path / "index" / "000000.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(FeatureStoreError, match=r"000000\.parquet: damaged"):
        FeatureStore.open(tmp_path)
    (tmp_path / "index" / "000000.parquet").unlink()
    with pytest.raises(FeatureStoreError, match=r"000000\.parquet: missing"):
        FeatureStore.open(tmp_path)
    (tmp_path / "store.json").write_text('{"format_version": 9, "widths": {}, "spec": {}}')
    with pytest.raises(FeatureStoreError, match="format 9"):
        FeatureStore.open(tmp_path)
    with pytest.raises(FeatureStoreError, match="no feature store here"):
        FeatureStore.open(tmp_path / "nothing")


def test_an_empty_store_has_no_rows(tmp_path: Path) -> None:
    store = FeatureStore.create(tmp_path, WIDTHS, SPEC)
    assert store.videos == ()
    assert store.array("audio").shape == (0, 2)
