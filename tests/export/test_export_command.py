"""`egoact export`: heads and backbones to a bundle that the runtime runs, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import export.export_bundle as export_bundle_module
from calibration.temperature import fit_temperature
from edge.bundle import SHIPPED, load_bundle
from edge.cli import main
from edge.contract import HEAD_MASK
from edge.engines.openvino import OpenVinoEngine
from edge.replay import ReplayOptions, replay
from tests.export.heads import LABELS, write_features, write_head
from tests.media import make_clip
from tests.trainer.weights.checkpoints import write_beats, write_slowfast
from trainer.checkpoint import load_checkpoint
from trainer.loop.head_clips import HeadClips, embed_narrations
from trainer.loop.predict import masked_logits
from trainer.methods.batch import Batch
from trainer.narration.hashed_text import HashedText
from trainer.parts import Files, load_parts
from trainer.weights.folder import sha256_of

SMALL = (512, 128, 192)
TINY = (256, 64, 16)
"""Widths of tests.trainer.weights.checkpoints."""


def export(*arguments: object) -> int:
    return main(["export", *map(str, arguments), "--threads", "1"])


def small_spec() -> dict:
    shipped = load_bundle(SHIPPED)
    return {
        "video": {"name": "small", "sha256": shipped.sha256["video.onnx"]},
        "audio": {"name": "small", "sha256": shipped.sha256["audio.onnx"]},
    }


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("egoact export:")]
    return line


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_head_of_the_small_backbones_becomes_a_bundle_that_replays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = write_head(tmp_path / "run", SMALL, small_spec())
    assert export(head, "--out", tmp_path / "bundle", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    bundle = load_bundle(tmp_path / "bundle")
    shipped = load_bundle(SHIPPED)
    assert (bundle.labels, bundle.background_label) == (LABELS, "idle")
    assert bundle.window == shipped.window
    assert bundle.sha256["video.onnx"] == shipped.sha256["video.onnx"], "taken as it is"
    sound = np.random.default_rng(0).normal(0, 0.1, (1, bundle.window.clip_audio_samples)).astype(np.float32)
    # Its constants are computed here: on another processor they differ in the last bit.
    [ours], [theirs] = (
        OpenVinoEngine(b.graph("fbank"), threads=1).infer({"waveform": sound}).values() for b in (bundle, shipped)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert bundle.provenance["backbones"] == small_spec()
    assert bundle.temperatures == {"f32": 1.0}
    assert set(printed["largest_differences"]) == {"fbank", "head"}
    assert str(tmp_path) not in (tmp_path / "bundle" / "bundle.json").read_text()
    clip = make_clip(tmp_path / "clip.mp4", seconds=3)
    assert replay(ReplayOptions(clips=(clip,), bundle=tmp_path / "bundle", pace="fast", threads=1)) == 0


def test_published_backbones_full_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = write_slowfast(tmp_path / "SLOWFAST_8x8_R50.pyth", res4_blocks=6)
    audio = write_beats(tmp_path / "beats.pt")
    spec = {
        "video": {"name": "slowfast8x8_r50", "sha256": sha256_of(video)},
        "audio": {"name": "beats", "sha256": None},
    }
    head = write_head(tmp_path / "run", TINY, spec)
    assert export(head, "--video", video, "--audio", audio, "--out", tmp_path / "bundle", "--name", "mine") == 0
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.window.frame_size_px == 256
    assert bundle.provenance["name"] == "mine"
    assert bundle.provenance["backbones"]["video"] == spec["video"]
    assert set(bundle.provenance["largest_differences"]) == {"video", "fbank", "audio", "head"}
    assert "4 labels" in capsys.readouterr().out


def test_backbones_come_from_the_folder_of_weights_by_the_names_in_the_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EGOACT_WEIGHTS", str(tmp_path / "weights"))
    write_slowfast(tmp_path / "weights" / "SLOWFAST_4x16_R50.pyth", res4_blocks=6)
    write_beats(tmp_path / "weights" / "BEATs_iter3_plus_AS2M.pt")
    head = write_head(tmp_path / "run", TINY, {"video": {"name": "slowfast4x16_r50"}, "audio": {"name": "beats"}})
    assert export(head, "--out", tmp_path / "bundle") == 0
    assert load_bundle(tmp_path / "bundle").window.slow_frames == (0, 10, 20, 31)


@pytest.mark.parametrize("method", ["doprompt", "cir", "simmmdg"])
def test_the_head_graph_gives_the_logits_of_its_method(tmp_path: Path, method: str) -> None:
    head = write_head(tmp_path / "run", SMALL, small_spec(), method=method)
    assert export(head, "--out", tmp_path / "bundle") == 0
    rng = np.random.default_rng(0)
    clip = {
        "appearance": rng.random((1, 1536), np.float32),
        "motion": rng.random((1, 384), np.float32),
        "audio": rng.random((1, 192), np.float32),
    }
    engine = OpenVinoEngine(load_bundle(tmp_path / "bundle").graph("head"), threads=1)
    given = engine.infer({**clip, "mask": HEAD_MASK})["logits"]
    trained, _ = load_checkpoint(head)
    none = torch.zeros(1)
    for row, mask in zip(given, HEAD_MASK, strict=True):
        batch = Batch(*(torch.from_numpy(part) for part in clip.values()), none, none, none, none, none, none)  # type: ignore[call-arg]
        with torch.inference_mode():
            expected = trained.logits(batch, torch.from_numpy(mask)[None])[0].numpy()
        np.testing.assert_allclose(row, expected, atol=1e-4)


@pytest.mark.parametrize("modalities", ["ap", "au", "ap-mo", "ap+mo"])
def test_a_head_of_fewer_modalities_keeps_the_contract(tmp_path: Path, modalities: str) -> None:
    # Trained without sound, its features have none: the graph takes sound all the same, and never looks at it.
    widths = SMALL if modalities == "au" else (*SMALL[:2], 0)
    head = write_head(tmp_path / "run", widths, {**small_spec(), "audio": None}, modalities=modalities)
    assert export(head, "--audio", "small", "--out", tmp_path / "bundle") == 0
    engine = OpenVinoEngine(load_bundle(tmp_path / "bundle").graph("head"), threads=1)
    assert {port.name for port in engine.spec.inputs} == {"appearance", "motion", "audio", "mask"}


def test_temperature_and_threshold_come_from_the_validation_clips(tmp_path: Path) -> None:
    clips, store = write_features(tmp_path, SMALL)
    head = write_head(tmp_path / "run", SMALL, small_spec())
    assert export(head, "--clips", clips, "--features", store, "--out", tmp_path / "bundle") == 0
    bundle = load_bundle(tmp_path / "bundle")
    method, config = load_checkpoint(head)
    table = load_parts(Files(clips, store), None, config.labels).validation
    assert table is not None
    validation = HeadClips(table, embed_narrations(table.facts.texts, HashedText()))
    logits = masked_logits(method, validation)[:, 0]
    assert bundle.temperatures["f32"] == pytest.approx(fit_temperature(logits, validation.labels))
    assert bundle.temperatures["f32"] != 1.0
    told = bundle.provenance["calibration"]
    assert told["clips"] == len(validation)
    assert told["unknown"] == bundle.thresholds.unknown != 0.3
    assert told["error_after"] < told["error_before"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "b"], "name the folder of a trained head, or give --starter"),
        (["{head}", "--starter", "--out", "b"], "one of the two"),
        (["--starter", "--out", "b"], "--starter: name the backbones"),
        (["{head}", "--out", "b", "--features", "f"], "name the clips too"),
        (["{head}", "--out", "b", "--action-names", "f"], "are for --starter"),
        (["{head}", "--out", "b", "--video", "slowfast"], "neither one of slowfast8x8_r101,"),
        (["{head}", "--out", "b", "--audio", "none"], "neither one of beats,"),
        (["{head}", "--out", "{head}"], "holds config.json, which is no part of a bundle"),
        (["{head}", "--out", "{head}/config.json"], "is no folder"),
    ],
)
def test_wrong_use(arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = write_head(tmp_path / "run", SMALL, small_spec())
    assert export(*(argument.format(head=head) for argument in arguments)) == 2
    assert said in error_line(capsys)


def test_parts_that_do_not_fit_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(spec: dict, *options: object, widths: tuple[int, int, int] = SMALL) -> str:
        head = write_head(tmp_path / "run", widths, spec)
        assert export(head, "--out", tmp_path / "bundle", *options) == 1
        assert not (tmp_path / "bundle").exists()
        return error_line(capsys)

    said = refused(small_spec(), widths=(511, 128, 192))
    assert "the head takes 1533 values of appearance, small gives 1536" in said
    assert "the head takes 190 values of audio" in refused(small_spec(), widths=(512, 128, 190))
    other = {**small_spec(), "video": {"name": "small", "sha256": "f" * 64}}
    assert "its features were made with small ffffffffffff, the video backbone given is small" in refused(other)
    window = {**small_spec(), "window": {"frame_size_px": 256}}
    assert "its features have frame_size_px 256, small has 128" in refused(window)
    beats = write_beats(tmp_path / "beats.pt")
    assert "the head takes 192 values of audio, beats gives 16" in refused(small_spec(), "--audio", beats)
    shallow = write_slowfast(tmp_path / "SLOWFAST_8x8_R101.pyth", res4_blocks=6)
    assert "slowfast8x8_r50 gives 768" in refused(small_spec(), "--video", shallow)


def test_a_head_whose_features_do_not_say_needs_the_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = write_head(tmp_path / "run", SMALL, {"made": "up"})
    assert export(head, "--audio", "small", "--out", tmp_path / "bundle") == 2
    assert "name it with --video" in error_line(capsys)
    assert export(head, "--video", "small", "--audio", "small", "--out", tmp_path / "bundle") == 0


def test_a_graph_that_differs_is_not_written_and_the_old_bundle_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head = write_head(tmp_path / "run", SMALL, small_spec())
    assert export(head, "--out", tmp_path / "bundle") == 0
    before = {file.name: file.read_bytes() for file in (tmp_path / "bundle").iterdir()}
    capsys.readouterr()

    def spoilt(rows: nn.Module, path: Path, widths: tuple[int, int, int]) -> None:
        with torch.no_grad():
            next(rows.parameters()).add_(0.1)
        export_head(rows, path, widths)
        with torch.no_grad():
            next(rows.parameters()).sub_(0.1)

    export_head = export_bundle_module.export_head
    monkeypatch.setattr(export_bundle_module, "export_head", spoilt)
    assert export(head, "--out", tmp_path / "bundle") == 1
    assert "head.onnx: logits in" in error_line(capsys)
    assert {file.name: file.read_bytes() for file in (tmp_path / "bundle").iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "run"], "nothing is left behind"
