"""`python -m bench.rate`: what sounds like what is found for wearers never seen; where nothing is, nothing is."""

from __future__ import annotations

import csv
import json
import statistics
from pathlib import Path

import numpy as np
import pytest

from bench import rate
from bench.rate import ratings_auc
from trainer.narration.minilm import PACKAGE

SOUNDS = {"wash the plate": "water", "cut the onion": "knife", "open the drawer": "wood", "stir the soup": "spoon"}


def write_pairs(path: Path, *, belong: bool) -> Path:
    rng = np.random.default_rng(0)
    sounds = list(SOUNDS.values())
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("visual_narration", "sound_description", "sound_class", "video_id", "iou"))
        for i in range(240):
            action = list(SOUNDS)[int(rng.integers(4))]
            sound = SOUNDS[action] if belong else sounds[int(rng.integers(4))]
            writer.writerow((action, f"a {sound} sound", sound, f"P{i % 6:02d}_{i % 12:02d}", (0.2, 0.8)[i // 6 % 2]))
    return path


@pytest.mark.parametrize("belong", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_auc_and_speed_of_every_rater(belong: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip(PACKAGE)
    pairs = write_pairs(tmp_path / "pairs.csv", belong=belong)
    small = ("--folds", "2", "--steps", "20", "--keep", str(tmp_path / "kept"))
    rate.main(["--pairs", str(pairs), *small])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told["auc"]) == {"cosine of MiniLM", "logistic on [u, v, |u-v|, uv]", "embedded"}
    for title, found in told["auc"]["embedded"].items():
        assert len(found) == 2
        low, high = (0.8, 1.0) if belong else (0.35, 0.65)
        assert low < statistics.mean(found) <= high, title
    assert all(value > 0 for value in told["pairs_per_s"].values())
    assert "server, the client alone" in told["pairs_per_s"]


def test_the_file_for_language_models_holds_pairs_of_both_kinds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs, mixed, rated = write_pairs(tmp_path / "pairs.csv", belong=True), tmp_path / "mixed.csv", tmp_path / "r.csv"
    rate.main(["--pairs", str(pairs), "--write-shuffled", str(mixed), "--count", "30"])
    with mixed.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["matched"] for row in rows] == ["1"] * 30 + ["0"] * 30
    assert [row["narration"] for row in rows[:30]] == [row["narration"] for row in rows[30:]]
    with rated.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "consistency", "consistency_by"])
        writer.writeheader()
        for number, row in enumerate(rows):  # right ratings, and one clip that nobody rated
            writer.writerow({**row, "consistency": row["matched"], "consistency_by": "m" if number else ""})
    assert ratings_auc(rated) == (1.0, 59)
