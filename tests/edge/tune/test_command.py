"""`egoact tune` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.bundle import Bundle, Thresholds, load_bundle
from edge.cli import main
from tests.media import make_clip
from tests.tiny_bundle import make_bundle

STUBBORN = Thresholds(on=0.999, off=0.99)
"""Nothing is ever said."""


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for name in "abc":
        make_clip(folder / f"{name}.mp4", seconds=5.0, audio="tone")
    lines = (f"clips/{name}.mp4,0.1,5,loud,Kitchen,{name}" for name in "abc")
    (folder / "clips.csv").write_text("video,start_s,end_s,label,scenario,location\n" + "\n".join(lines) + "\n")
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "tiny", thresholds=STUBBORN)


def tune(bundle: Bundle, clips: Path, *words: object) -> int:
    given = [bundle.path, "--clips", clips / "a.mp4", clips / "b.mp4", "--annotations", clips / "clips.csv"]
    return main(["tune", *map(str, (*given, *words)), "--threads", "1"])


def test_the_bundle_takes_what_helps_and_says_why(
    bundle: Bundle, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune(bundle, clips, "--unseen", clips / "c.mp4", "--runs", tmp_path / "runs", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    tuned = load_bundle(bundle.path)
    assert tuned.thresholds != STUBBORN
    assert data["after"]["on"] == tuned.thresholds.on < 0.95
    assert data["segment_f1"]["groups_left_out"]["before"] == 0.0
    assert data["segment_f1"]["groups_left_out"]["tuned"] == 1.0
    assert data["segment_f1"]["clips_not_used"]["clips"] == 1
    assert tuned.provenance["tuning"]["segment_f1"] == data["segment_f1"]
    assert tuned.labels == bundle.labels
    assert len(list((tmp_path / "runs" / "runs").glob("*.npz"))) == 3


def test_a_new_folder_leaves_the_old_bundle_alone(
    bundle: Bundle, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune(bundle, clips, "--out", tmp_path / "new") == 0
    out = capsys.readouterr().out
    assert "groups left out (2 clips, 2 groups)" in out
    assert f"written to {tmp_path / 'new'}" in out
    assert load_bundle(bundle.path).thresholds == STUBBORN
    assert load_bundle(tmp_path / "new").thresholds != STUBBORN
    assert tune(bundle, clips, "--out", tmp_path / "new") == 2
    assert "is there already" in capsys.readouterr().err


def test_a_dry_run_changes_nothing(bundle: Bundle, clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (bundle.path / "bundle.json").read_bytes()
    assert tune(bundle, clips, "--dry-run") == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert (bundle.path / "bundle.json").read_bytes() == before


def test_clips_that_cannot_serve_are_named(
    bundle: Bundle, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "b.mp4"
    broken.write_bytes(b"no clip")
    annotation = tmp_path / "other.csv"
    annotation.write_text("video,start_s,end_s,label\nb.mp4,0,1,loud\n")
    words = ["tune", bundle.path, "--clips", clips / "a.mp4", broken, "--annotations", annotation, "--threads", 1]
    assert main([str(word) for word in words]) == 2
    err = capsys.readouterr().err
    assert "a.mp4: no rows of" in err
    assert "b.mp4" in err
    assert "annotates no action of these clips" in err
    assert "Traceback" not in err
