"""The whole build on a miniature world: two clips a domain, a handful of steps."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.bundle import load_bundle
from edge.engines.load import load_engines
from edge.errors import UsageError
from export.build_bundle import build, configure, run
from trainer.build_heads import split_clips
from trainer.build_plan import LABELS, BuildPlan, HeadPlan
from trainer.checkpoint import load_checkpoint
from trainer.features.store import FeatureStore
from trainer.loop.settings import FitSettings
from trainer.pretrain_audio import PretrainAudioSettings
from trainer.pretrain_video import Phase, PretrainVideoSettings

PLAN = BuildPlan(
    pretrain_domains=(("Playing", "Pittsburgh"),),
    pretrain_videos=2,
    split_domains=(("Cooking", "Tokyo"), ("Gardening", "Bristol"), ("Building", "Tokyo")),
    split_videos=2,
    video_s=20.0,
    demo_split="Co-Tok",
    splits=("Co-Tok",),
    video=PretrainVideoSettings(phases=(Phase(8, 64, 16), Phase(8, 128, 32)), batch=4),
    audio=PretrainAudioSettings(windows=16, batch=8),
    head=HeadPlan(hidden=16, out=8, fit=FitSettings(batch=16, epochs=2, drop_audio=0.15)),
)


def quiet(line: str) -> None:
    """No log."""


@pytest.mark.slow
def test_the_whole_build_on_a_miniature_world(tmp_path: Path) -> None:
    score = build(PLAN, tmp_path / "out", tmp_path / "work", None, 1, quiet)
    work, world = tmp_path / "work", tmp_path / "work" / "world"

    # The bundle is whole, small, says where it comes from, and runs.
    bundle = load_bundle(tmp_path / "out")
    assert (bundle.labels, bundle.background_label) == (LABELS, "idle")
    assert sum(file.stat().st_size for file in (tmp_path / "out").iterdir()) < 15_000_000
    assert bundle.provenance["split"]["held_out"] == "Cooking/Tokyo"
    assert set(bundle.provenance["seconds"]) >= {"render", "decode", "pretrain-video", "features", "head-Co-Tok"}
    assert str(tmp_path) not in (tmp_path / "out" / "bundle.json").read_text()
    assert score.runs == 2
    assert score.modes[0].rows > 60

    # No clip of the held-out scenario or location reaches training or validation.
    [features] = work.glob("features-*")
    store = FeatureStore.open(features)
    clips = split_clips(PLAN, world, store, "Co-Tok")
    assert {c.video.rsplit("_w")[0] for c in clips.test} == {"cooking_tokyo"}
    assert {c.video.rsplit("_w")[0] for c in clips.train + clips.validation} == {"gardening_bristol"}
    assert not {c.video for c in clips.train} & {c.video for c in clips.validation}
    assert min(c.boundary_s for c in clips.train) >= 0.2
    assert clips.train
    assert clips.validation

    # The bundle's graphs give the features and logits that training saw.
    head, _ = load_checkpoint(next(work.glob("head-Co-Tok-*")))
    clip = clips.test[20]
    rows = store.video(clip.video)
    inputs = {
        "appearance": rows.appearance[list(clip.rows)].reshape(1, -1),
        "motion": rows.motion[list(clip.rows)].reshape(1, -1),
        "audio": np.array(rows.audio[clip.rows[-1]])[None],
        "mask": np.array([[1, 1, 1], [1, 1, 0], [0, 0, 1]], np.float32),
    }
    engines = load_engines(bundle, threads=1)
    with torch.inference_mode():
        expected = head.model.masked_rows(*(torch.from_numpy(value) for value in inputs.values())).numpy()
    np.testing.assert_allclose(engines.head.infer(inputs)["logits"], expected, atol=1e-4)
    engines.close()

    # A second run finds everything there; a third, from nothing, makes the same graphs bit for bit.
    done = {file: file.stat().st_mtime_ns for file in work.rglob("done.json")}
    build(PLAN, tmp_path / "out", work, None, 1, quiet)
    assert done == {file: file.stat().st_mtime_ns for file in work.rglob("done.json")}
    shutil.copytree(world, tmp_path / "again" / "world")
    build(PLAN, tmp_path / "second", tmp_path / "again", None, 1, quiet)
    assert load_bundle(tmp_path / "second").sha256 == bundle.sha256

    # A change of the head's settings trains the head again and nothing before it.
    build(replace(PLAN, head=replace(PLAN.head, hidden=12)), tmp_path / "changed", work, None, 1, quiet)
    names = sorted(folder.name.rsplit("-", 1)[0] for folder in work.glob("*-*"))
    assert names == ["bundle"] * 2 + ["decode", "features"] + ["head-Co-Tok"] * 2 + ["pretrain-audio", "pretrain-video"]
    changed = load_bundle(tmp_path / "changed").sha256
    assert changed["video.onnx"] == bundle.sha256["video.onnx"]
    assert changed["head.onnx"] != bundle.sha256["head.onnx"]


@pytest.mark.parametrize("option", [["--minutes", "0"], ["--threads", "0"]])
def test_wrong_use_is_a_usage_error(tmp_path: Path, option: list[str]) -> None:
    parser = argparse.ArgumentParser()
    configure(parser)
    with pytest.raises(UsageError, match="must be at least 1"):
        run(parser.parse_args(["--out", str(tmp_path), *option]))
