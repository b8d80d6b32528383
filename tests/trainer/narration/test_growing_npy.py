from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainer.narration.growing_npy import append_rows, view_rows


def values(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, 2, 3)).astype(np.float32)


def test_it_grows_and_stays_a_numpy_file(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.npy", np.zeros((0, 2, 3), np.float32)
    for rows in (3, 1, 9_000, 2):
        part = values(rows, rows)
        append_rows(path, len(whole), part)
        whole = np.concatenate([whole, part])
        np.testing.assert_array_equal(np.load(path), whole)
    view = view_rows(path, 3, (2, 3))
    np.testing.assert_array_equal(view, whole[:3])
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1


def test_rows_that_are_not_committed_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    append_rows(path, 0, values(10, 1))
    append_rows(path, 2, values(1, 2))
    np.testing.assert_array_equal(np.load(path), np.concatenate([values(10, 1)[:2], values(1, 2)]))
    append_rows(tmp_path / "b.npy", 0, np.load(path))
    assert path.read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_missing_rows_are_never_made_up(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with pytest.raises(ValueError, match="does not hold 1 rows"):
        append_rows(path, 1, values(1, 1))
    append_rows(path, 0, values(2, 1))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="does not hold 3 rows"):
        append_rows(path, 3, values(1, 1))
    assert path.read_bytes() == before
    assert view_rows(tmp_path / "none.npy", 0, (2, 3)).shape == (0, 2, 3)
