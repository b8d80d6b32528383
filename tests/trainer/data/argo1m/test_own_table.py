from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from edge.cli import main
from edge.contract import WindowSpec
from trainer.data.clips_csv import live_clips, read_clips_csv
from trainer.data.domain_split import hold_out
from trainer.data.errors import DatasetError
from trainer.data.own_table import UNNAMED, own_table
from trainer.features.store import FeatureStore, FeatureStoreError, VideoFeatures

HEADER = ("video", "start_s", "end_s", "label", "scenario", "location", "narration", "audio_narration", "consistency")
ROWS = [
    ("videos/a.mp4", 0.5, 3.0, "cut", "Cooking", "Tokyo", "#C C cuts", "A knife", 0.8),
    ("videos/a.mp4", 3.0, 5.0, "pour", "Cooking", "Tokyo", "#C C pours", "", ""),
    ("videos/b.mp4", 1.0, 4.0, "cut", "Sport", "Bristol", "#C C cuts", "A knife", 0.1),
    ("videos/c.mp4", 0.0, 6.0, "mix", "Sport", "Tokyo", "", "", 0.4),
]
SPEC = WindowSpec()
LABELS = ("pour", "cut", "mix", "idle")


def written(folder: Path, rows: list[tuple[object, ...]] = ROWS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "annotations.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    with (folder / "videos.csv").open("w", newline="") as file:
        domains = {row[0]: row[4:6] for row in rows}
        writer = csv.writer(file)
        writer.writerow(["video", "scenario", "location", "wearer", "seed"])
        writer.writerows([(video, *domain, "w", 1) for video, domain in domains.items()])
    return folder / "annotations.csv"


def store(folder: Path, videos: str = "cab") -> FeatureStore:
    """Ten rows a video, in another order than the annotations; b is silent."""
    made = FeatureStore.create(folder, {"appearance": 4, "motion": 3, "audio": 2}, {})
    rng = np.random.default_rng(0)
    for name in videos:
        start = np.arange(10) * 16
        heard = np.zeros(10, np.float32) if name == "b" else np.linspace(0, 1, 10, dtype=np.float32)
        values = [rng.random((10, width), np.float32) for width in (4, 3, 2)]
        values[2][heard < 0.45] = 0
        made.append(f"{name}.mp4", VideoFeatures(start, start / 30, *values, heard))
    return made


def test_own_clips_are_the_rows_and_annotations_of_their_moments(tmp_path: Path) -> None:
    path, features = written(tmp_path / "clips"), store(tmp_path / "store")
    table = own_table(path, features, SPEC, "idle", LABELS)
    annotations = read_clips_csv(path)
    clips = [c for v, rows in annotations.items() for c in live_clips(v, rows, list(range(0, 160, 16)), SPEC, "idle")]
    batch = table.batch(np.arange(len(table)))
    assert len(table) == len(clips) == 30
    for i, clip in enumerate(clips):
        rows, newest = features.video(clip.video), clip.rows[-1]
        assert np.array_equal(batch.appearance[i], rows.appearance[list(clip.rows)].reshape(-1))
        assert np.array_equal(batch.motion[i], rows.motion[list(clip.rows)].reshape(-1))
        assert np.array_equal(batch.audio[i], rows.audio[newest])
        assert bool(batch.heard[i]) == bool(rows.audio[newest].any())
        assert LABELS[batch.label[i]] == clip.label
        assert float(batch.consistency[i]) == pytest.approx(clip.consistency)
        assert table.facts.narrated[i] == bool(clip.narration and clip.audio_narration)
    assert isinstance(table.video.appearance, np.memmap)
    texts = [table.facts.texts[i] if i >= 0 else "" for i in table.facts.narration]
    assert texts == [clip.narration for clip in clips]


def test_a_held_out_domain_of_own_clips(tmp_path: Path) -> None:
    table = own_table(written(tmp_path / "clips"), store(tmp_path / "store"), SPEC, "idle")
    assert table.facts.label_names == ("cut", "mix", "pour", "idle")
    assert table.facts.domain_counts() == {("Cooking", "Tokyo"): 10, ("Sport", "Bristol"): 10, ("Sport", "Tokyo"): 10}
    train, test = hold_out(table.facts, "Cooking", "Tokyo")
    names = table.facts.video_names
    assert {names[table.facts.video[i]] for i in train} == {"b.mp4"}  # c shares Tokyo with the test clips
    assert {names[table.facts.video[i]] for i in test} == {"a.mp4"}


def test_bad_own_clips_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "clips")
    with pytest.raises(DatasetError, match=r"annotations\.csv: label 'mix' is none of the 3 classes"):
        own_table(path, store(tmp_path / "store"), SPEC, "idle", ("cut", "pour", "idle"))
    with pytest.raises(FeatureStoreError, match=r"no features of b\.mp4"):
        own_table(path, store(tmp_path / "less", "ac"), SPEC, "idle")


def checked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[tuple[str, str]], list[dict]]:
    code = main(["data", "check", *map(str, arguments), "--json"])
    report = json.loads(capsys.readouterr().out)
    return code, [(f["level"], f["code"]) for f in report["findings"]], report["parts"]


def test_own_clips_are_checked_with_and_without_features(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "clips")
    store(tmp_path / "store")
    code, findings, (part,) = checked(capsys, path)
    assert (code, findings, part["clips"], part["sound"]) == (0, [("note", "features")], 4, None)
    code, findings, (part,) = checked(capsys, path, "--features", tmp_path / "store")
    assert (code, findings, part["clips"], part["videos"]) == (0, [], 30, 3)
    assert part["sound"] == pytest.approx(2 * 5 / 30)
    assert sum(part["ratings"]) == 30


def test_faults_of_own_clips_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "clips")
    store(tmp_path / "store", "ac")
    assert checked(capsys, path, "--features", tmp_path / "store")[:2] == (1, [("error", "missing-features")])
    mixed = [*ROWS, ("videos/a.mp4", 5.0, 6.0, "mix", "Sport", "Tokyo", "", "", 1)]
    path = written(tmp_path / "mixed", [*mixed, ("d.mp4", 0, 1, "mix", "", "", "", "", 1)])
    code, findings, (part,) = checked(capsys, path)
    assert (code, findings[:2]) == (0, [("warning", "domain")] * 2)
    assert part["domains"][f"{UNNAMED}/{UNNAMED}"] == 1
    with open(tmp_path / "store" / "motion.f32", "r+b") as file:
        file.write(np.float32(np.nan).tobytes())
    path = written(tmp_path / "two", [row for row in ROWS if "b.mp4" not in str(row[0])])
    assert checked(capsys, path, "--features", tmp_path / "store")[:2] == (1, [("error", "nan")])
    assert checked(capsys, path, "--features", tmp_path / "store", "--quick")[:2] == (0, [])
    code = main(["data", "check", str(written(tmp_path / "bad", [(*ROWS[0][:8], 7)]))])
    assert (code, "consistency '7' is not a number from 0 to 1" in capsys.readouterr().err) == (1, True)


def test_a_world_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(tmp_path / "world").parent
    store(tmp_path / "store")
    code, findings, _ = checked(capsys, folder)
    assert (code, findings[0]) == (1, ("error", "missing-video"))
    (folder / "videos").mkdir()
    for name in "abc":
        (folder / "videos" / f"{name}.mp4").touch()
    code = main(["data", "check", str(folder), "--features", str(tmp_path / "store")])
    out = capsys.readouterr().out
    assert code == 0
    assert "held-out splits with clips to train and to test: Co-Tok, Sp-Bri" in out
    table = (folder / "videos.csv").read_text().replace("videos/c.mp4", "videos/a.mp4")
    (folder / "videos.csv").write_text(table)
    assert checked(capsys, folder)[:2] == (1, [("error", "unlisted"), ("note", "splits"), ("note", "features")])
