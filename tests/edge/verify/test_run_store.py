from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.bundle import Bundle, Thresholds
from edge.contract import FeatureRow, RunResult
from edge.errors import EgoactError, SourceError
from edge.precision import Precisions
from edge.verify.fingerprint import fingerprint
from edge.verify.run_store import RunStore
from tests.edge.snapshots import run_result
from tests.tiny_bundle import make_bundle

PRINT = "0123456789abcdef" * 4
F32 = Precisions("f32", "f32")


def whole_run() -> RunResult:
    result = run_result(20.0, audio=False)
    rows = [
        FeatureRow(p.row_index, 16 * p.row_index, np.ones(3, np.float32), np.full(2, p.row_index, np.float32), 0.5)
        for p in result.predictions
    ]
    return replace(result, rows=tuple(rows))


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    store, result = RunStore(tmp_path / "runs"), whole_run()
    assert store.load("kitchen.mp4", PRINT) is None
    store.save("kitchen.mp4", PRINT, result)
    back = store.load("kitchen.mp4", PRINT)
    assert back is not None
    for one, other in zip(result.predictions, back.predictions, strict=True):
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
        assert replace(one, probabilities=other.probabilities) == other
    for row, kept in zip(result.rows, back.rows, strict=True):
        np.testing.assert_array_equal(row.motion, kept.motion)
        assert (row.index, row.start_tick, row.coverage) == (kept.index, kept.start_tick, kept.coverage)
    assert replace(back, rows=(), predictions=()) == replace(result, rows=(), predictions=())
    assert store.load("kitchen.mp4", "f" * 64) is None


def test_a_damaged_file_is_no_result(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    store.save("a.mp4", PRINT, replace(whole_run(), clip="a.mp4"))
    assert store.load("a.mp4", PRINT) is not None
    file = next(tmp_path.glob("*.npz"))
    data = file.read_bytes()
    for damaged in (b"", data[: len(data) // 2], b"x" * 100, data[:-30]):
        file.write_bytes(damaged)
        assert store.load("a.mp4", PRINT) is None


def test_a_clip_without_predictions(tmp_path: Path) -> None:
    store, empty = RunStore(tmp_path), replace(whole_run(), clip="a.mp4", rows=(), predictions=(), segments=())
    store.save("a.mp4", PRINT, empty)
    assert store.load("a.mp4", PRINT) == empty


def test_the_result_of_another_clip_is_not_taken(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    store.save("a b.mp4", PRINT, replace(whole_run(), clip="a b.mp4"))
    assert store.load("a-b.mp4", PRINT) is None
    assert store.load("a b.mp4", PRINT) is not None


def test_names_from_outside_stay_in_the_folder(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    store.save("../../x/<y>.mp4", PRINT, whole_run())
    assert [f.name for f in (tmp_path / "runs").iterdir()] == ["x-y-mp4-0123456789abcdef.npz"]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EgoactError, match="results cannot be kept"):
        RunStore(tmp_path / "file").save("a.mp4", PRINT, whole_run())


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


def test_everything_that_changes_labels_changes_the_fingerprint(bundle: Bundle, tmp_path: Path) -> None:
    clip = tmp_path / "a.mp4"
    clip.write_bytes(bytes(range(256)) * 20_000)
    same = fingerprint(clip, bundle, F32, 1.0, "fast")
    assert fingerprint(clip, bundle, F32, 1.0, "fast") == same
    others = [
        fingerprint(clip, bundle, Precisions("int8", "f32"), 1.0, "fast"),
        fingerprint(clip, bundle, Precisions("f32", "f32", "tensorrt"), 1.0, "fast"),
        fingerprint(clip, bundle, F32, 1.1, "fast"),
        fingerprint(clip, bundle, F32, 1.0, "realtime"),
        fingerprint(clip, replace(bundle, thresholds=Thresholds(on=0.6)), F32, 1.0, "fast"),
        fingerprint(clip, replace(bundle, sha256={**bundle.sha256, "head.onnx": "0" * 64}), F32, 1.0, "fast"),
    ]
    for change in (b"x", b"\0"):
        data = bytearray(clip.read_bytes())
        data[5 if change == b"x" else -5] ^= 1
        clip.write_bytes(bytes(data))
        others.append(fingerprint(clip, bundle, F32, 1.0, "fast"))
    assert len({same, *others}) == len(others) + 1


def test_the_name_of_a_clip_does_not_matter(bundle: Bundle, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"same")
    assert len({fingerprint(tmp_path / n, bundle, F32, 1.0, "fast") for n in ("a.mp4", "b.mp4")}) == 1
    with pytest.raises(SourceError, match="cannot be read"):
        fingerprint(tmp_path / "none.mp4", bundle, F32, 1.0, "fast")
