from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from edge.contract import WindowSpec
from edge.errors import BundleError, UsageError
from tests.tiny_bundle import make_bundle
from tests.trainer.weights.checkpoints import write_beats, write_slowfast
from trainer.build_backbones import load_video_backbone
from trainer.build_plan import LABELS
from trainer.features.recipe import Recipe, load_backbones
from trainer.models.beats import beats_small
from trainer.models.checkpoint_file import CheckpointError
from trainer.models.slowfast import slowfast_small
from trainer.models.slowfast_checkpoint import load_slowfast
from trainer.models.video_net import VideoNet
from trainer.weights.folder import WeightsError, sha256_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EGOACT_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def test_published_checkpoints_come_from_the_folder_and_are_recorded(folder: Path) -> None:
    video = write_slowfast(folder / "SLOWFAST_8x8_R50.pyth", 7, res4_blocks=6)
    audio = write_beats(folder / "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt", 4)
    found = load_backbones(Recipe(video="slowfast8x8_r50", audio="beats_audioset", scores=True))
    assert found.window == WindowSpec()
    assert found.widths == {"appearance": 256, "motion": 64, "audio": 16, "video_scores": 7, "audio_scores": 4}
    assert found.made_with["video"] == {"name": "slowfast8x8_r50", "sha256": sha256_of(video)}
    assert found.made_with["audio"] == {"name": "beats_audioset", "sha256": sha256_of(audio)}
    assert set(json.loads((folder / "checksums.json").read_text())) == {video.name, audio.name}
    write_slowfast(video, 7, seed=1, res4_blocks=6)
    with pytest.raises(WeightsError, match="has changed since"):
        load_backbones(Recipe(video="slowfast8x8_r50", audio="none"))


def test_scores_are_those_of_the_head_over_the_pooled_features(folder: Path) -> None:
    path = write_slowfast(folder / "any.pyth", 7, res4_blocks=6)
    backbone = load_backbones(Recipe("slowfast8x8_r50", "none", video_weights=path, engine="torch")).video
    frames = np.random.default_rng(0).integers(0, 256, (2, 32, 256, 256, 3), dtype=np.uint8)
    outputs = backbone(frames)
    net = load_slowfast(path).eval()
    with torch.inference_mode():
        pixels = (torch.from_numpy(frames).permute(0, 4, 1, 2, 3) / 255 - 0.45) / 0.225
        appearance, motion = net(pixels[:, :, [0, 4, 8, 13, 17, 22, 26, 31]], pixels)
        expected = net.classify(appearance, motion).softmax(1)
    np.testing.assert_allclose(outputs.appearance, appearance, atol=1e-5)
    np.testing.assert_allclose(outputs.motion, motion, atol=1e-5)
    assert outputs.scores is not None
    np.testing.assert_allclose(outputs.scores, expected, atol=1e-6)
    np.testing.assert_allclose(backbone(pixels.numpy()).appearance, outputs.appearance, atol=1e-5)


def test_a_4x16_model_sees_four_slow_frames(folder: Path) -> None:
    path = write_slowfast(folder / "SLOWFAST_4x16_R50.pyth", None, res4_blocks=6)
    backbone = load_backbones(Recipe("slowfast4x16_r50", "none", engine="torch")).video
    pixels = np.zeros((1, 3, 32, 256, 256), np.float32)
    pixels[:, :, 10] = 1.0  # of linspace(0, 31, 4) = 0, 10, 20, 31
    net = load_slowfast(path, alpha=8).eval()
    with torch.inference_mode():
        appearance, _ = net(torch.from_numpy(pixels[:, :, [0, 10, 20, 31]]), torch.from_numpy(pixels))
    np.testing.assert_allclose(backbone(pixels).appearance, appearance, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU that PyTorch can use")
def test_a_gpu_gives_what_the_processor_gives(folder: Path) -> None:
    path = write_slowfast(folder / "any.pyth", 7, res4_blocks=6)
    recipe = Recipe("slowfast8x8_r50", "none", video_weights=path)
    frames = np.random.default_rng(0).integers(0, 256, (2, 32, 256, 256, 3), dtype=np.uint8)
    found, expected = (load_backbones(recipe, device).video(frames) for device in ("cuda", "cpu"))
    for values, reference in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, reference, atol=1e-4 * np.abs(reference).max())


@pytest.mark.parametrize("video", ["slowfast8x8_r101", "slowfast8x8_r50"])
def test_a_missing_file_is_named_with_the_command(folder: Path, video: str) -> None:
    with pytest.raises(WeightsError, match=rf"run: egoact weights fetch {video}$"):
        load_backbones(Recipe(video=video))


def test_a_checkpoint_of_another_depth_is_refused(folder: Path) -> None:
    path = write_slowfast(folder / "SLOWFAST_8x8_R101.pyth", res4_blocks=6)
    with pytest.raises(CheckpointError, match="is no slowfast8x8_r101: its res4 has 6 blocks, not 23"):
        load_backbones(Recipe(audio="none"))
    assert not (path.parent / "checksums.json").exists()


def test_scores_without_any_classifier_are_wrong_use(folder: Path) -> None:
    write_slowfast(folder / "a.pyth", None, res4_blocks=6)
    with pytest.raises(UsageError, match="neither checkpoint has a classifier"):
        load_backbones(Recipe("slowfast8x8_r50", "none", video_weights=folder / "a.pyth", scores=True))


def test_small_backbones_come_from_a_bundle(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    found = load_backbones(Recipe("small", "small", bundle=bundle.path))
    assert found.window == bundle.window
    assert found.widths == {"appearance": 3, "motion": 2, "audio": 2}
    frames = np.zeros((2, 32, 32, 32, 3), np.uint8)
    frames[1, ..., 1] = 255
    outputs = found.video(frames)
    np.testing.assert_allclose(outputs.appearance, [[0, 0, 0], [0, 1, 0]], atol=1e-6)
    assert found.audio is not None
    samples = np.stack([np.full(bundle.window.clip_audio_samples, v, np.float32) for v in (0.25, -0.5)])
    np.testing.assert_allclose(found.audio(samples).audio, [[0.25, 1], [0.5, 1]], atol=1e-6)
    with pytest.raises(UsageError, match="takes uint8 only"):
        load_backbones(Recipe("small", "small", bundle=bundle.path, pixels="float"))
    with pytest.raises(BundleError):
        load_backbones(Recipe("small", "none", bundle=tmp_path / "nothing"))


def test_small_backbones_come_from_the_files_of_a_build(tmp_path: Path) -> None:
    torch.manual_seed(0)
    video, audio = VideoNet(slowfast_small(num_classes=len(LABELS))), beats_small(num_classes=9)
    save_file(video.state_dict(), tmp_path / "video.safetensors")
    save_file(audio.state_dict(), tmp_path / "audio.safetensors")
    load_video_backbone(tmp_path)  # the build itself reads these files
    recipe = Recipe("small", "small", tmp_path / "video.safetensors", tmp_path / "audio.safetensors", engine="torch")
    found = load_backbones(recipe)
    assert found.window.frame_size_px == 128
    assert found.widths == {"appearance": 512, "motion": video.slowfast.motion_dim, "audio": 192}
    assert (found.video.classes, found.audio and found.audio.classes) == (len(LABELS), 9)
    frames = np.random.default_rng(0).integers(0, 256, (1, 32, 128, 128, 3), dtype=np.uint8)
    with torch.inference_mode():
        appearance, _ = video.eval()(torch.from_numpy(frames))
    np.testing.assert_allclose(found.video(frames).appearance, appearance, atol=1e-6)
    (tmp_path / "video.safetensors").write_bytes(b"no")
    with pytest.raises(CheckpointError, match=r"video\.safetensors: not a safetensors file"):
        load_backbones(recipe)
