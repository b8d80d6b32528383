"""What features are made with: a recipe of plain values that travels to other processes, and the networks it names."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch

from edge.bundle import SHIPPED, load_bundle
from edge.contract import WindowSpec
from edge.engines.openvino import OpenVinoEngine
from edge.errors import UsageError
from trainer.features.backbones import (
    AudioBackbone,
    BeatsAudio,
    BundleAudio,
    BundleVideo,
    Compile,
    SlowFastVideo,
    VideoBackbone,
    torch_on,
)
from trainer.features.openvino_module import on_openvino
from trainer.features.small_nets import SMALL_PX, load_small_audio, load_small_video
from trainer.models.beats_checkpoint import load_beats
from trainer.models.checkpoint_file import CheckpointError
from trainer.models.fbank import Fbank
from trainer.models.slowfast import SlowFast
from trainer.models.slowfast_checkpoint import load_slowfast
from trainer.models.video_net import VideoNet
from trainer.weights.catalogue import weight
from trainer.weights.folder import locate, sha256_of, verify

SMALL, NONE = "small", "none"
SLOWFAST_ALPHA = {"slowfast8x8_r101": 4, "slowfast8x8_r50": 4, "slowfast4x16_r50": 8}
VIDEO_BACKBONES = (*SLOWFAST_ALPHA, SMALL)
AUDIO_BACKBONES = ("beats", "beats_audioset", SMALL, NONE)


@dataclass(frozen=True)
class Recipe:
    """Everything that features depend on, besides the video."""

    video: str = "slowfast8x8_r101"
    """One of VIDEO_BACKBONES."""
    audio: str = "beats"
    """One of AUDIO_BACKBONES."""
    video_weights: Path | None = None
    """None: the file of that name in the folder of weights, or the bundle's graph for 'small'."""
    audio_weights: Path | None = None
    bundle: Path = SHIPPED
    """Where 'small' comes from when no weights are given."""
    pixels: Literal["uint8", "float"] = "uint8"
    """'uint8' as the device sees frames, 'float' as Ego4D's extractor does."""
    scores: bool = False
    """Also the scores of the backbones' own classifiers."""
    stereo: frozenset[str] | Literal["all"] | None = None
    """Which videos hold two views side by side, of which the left one is taken: file names without suffix, or 'all'."""
    batch_rows: int = 8
    engine: Literal["auto", "torch", "openvino"] = "auto"
    """What runs PyTorch checkpoints: 'auto' is OpenVINO on a processor and PyTorch on a GPU; both in float32."""

    def is_stereo(self, path: Path) -> bool:
        return self.stereo == "all" or (self.stereo is not None and path.stem in self.stereo)


@dataclass(frozen=True)
class Backbones:
    """The networks of a recipe, ready to run."""

    window: WindowSpec
    video: VideoBackbone
    audio: AudioBackbone | None
    widths: dict[str, int]
    """Widths of the feature store."""
    made_with: dict[str, Any]
    """The feature store's spec: window numbers, names and checksums."""


def load_backbones(recipe: Recipe, device: str = "cpu", threads: int | None = None) -> Backbones:
    """Load what the recipe names.

    Raises:
        WeightsError: a file of weights is missing or has changed.
        CheckpointError: a file of weights is refused or does not fit.
        BundleError: the bundle of the small backbones is missing or damaged.
        UsageError: scores were asked for, but no checkpoint has a classifier; or float pixels of a bundle's graph.
    """
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False  # else 1e-3 off on a GPU
    window, video, video_sha256 = _video(recipe, device, threads)
    audio, audio_made_with = audio_of(recipe, window, device, threads)
    widths = {
        "appearance": video.appearance_dim,
        "motion": video.motion_dim,
        "audio": 0 if audio is None else audio.dim,
    }
    if recipe.scores:
        classes = {"video_scores": video.classes, "audio_scores": None if audio is None else audio.classes}
        found = {name: count for name, count in classes.items() if count is not None}
        if not found:
            raise UsageError("--scores: neither checkpoint has a classifier; SlowFast's and beats_audioset do")
        widths |= found
    made_with: dict[str, Any] = {
        "window": asdict(window),
        "pixels": recipe.pixels,
        "video": {"name": recipe.video, "sha256": video_sha256},
        "audio": audio_made_with,
    }
    if recipe.stereo is not None:
        made_with["stereo"] = "all" if recipe.stereo == "all" else "listed"
    return Backbones(window, video, audio, widths, made_with)


def _video(recipe: Recipe, device: str, threads: int | None) -> tuple[WindowSpec, VideoBackbone, str]:
    if recipe.video == SMALL and recipe.video_weights is None:
        if recipe.pixels == "float":
            raise UsageError("--pixels float: a bundle's video graph takes uint8 only; give --video-weights")
        bundle = load_bundle(recipe.bundle)
        engine = OpenVinoEngine(bundle.graph("video"), precision="f32", threads=threads)
        return bundle.window, BundleVideo(engine), bundle.sha256["video.onnx"]
    if recipe.video == SMALL:
        path = cast(Path, recipe.video_weights)
        net, sha256 = load_small_video(path), sha256_of(path)
        window = WindowSpec(frame_size_px=SMALL_PX)
    else:
        path = recipe.video_weights or locate(weight(recipe.video))
        slowfast = load_slowfast(path, alpha=SLOWFAST_ALPHA[recipe.video])
        _check_depth(slowfast, recipe.video, path)
        net = VideoNet(slowfast)
        sha256 = verify(path) if recipe.video_weights is None else sha256_of(path)
        window = WindowSpec()
    return window, SlowFastVideo(net, _compile(recipe, device, threads)), sha256


def audio_of(
    recipe: Recipe, window: WindowSpec, device: str = "cpu", threads: int | None = None
) -> tuple[AudioBackbone | None, dict[str, str] | None]:
    """The audio backbone of a recipe and its entry of the store's spec; two times None when it has none.

    Raises:
        EgoactError: as `load_backbones`.
    """
    if recipe.audio == NONE:
        return None, None
    backbone: AudioBackbone
    if recipe.audio == SMALL and recipe.audio_weights is None:
        bundle = load_bundle(recipe.bundle)
        if bundle.window.clip_audio_samples != window.clip_audio_samples:
            raise UsageError(f"{bundle.path}: its windows of sound are not those of the video backbone")
        fbank, audio = (OpenVinoEngine(bundle.graph(n), precision="f32", threads=threads) for n in ("fbank", "audio"))
        backbone, sha256 = BundleAudio(fbank, audio), bundle.sha256["audio.onnx"]
    elif recipe.audio == SMALL:
        path = cast(Path, recipe.audio_weights)
        backbone, sha256 = (
            BeatsAudio(Fbank(), load_small_audio(path), _compile(recipe, device, threads)),
            sha256_of(path),
        )
    else:
        path = recipe.audio_weights or locate(weight(recipe.audio))
        backbone = BeatsAudio(Fbank(), load_beats(path), _compile(recipe, device, threads))
        sha256 = verify(path) if recipe.audio_weights is None else sha256_of(path)
    return backbone, {"name": recipe.audio, "sha256": sha256}


def _compile(recipe: Recipe, device: str, threads: int | None) -> Compile:
    if recipe.engine == "openvino" or (recipe.engine == "auto" and device == "cpu"):
        return on_openvino(threads)
    return torch_on(device)


def _check_depth(net: SlowFast, name: str, path: Path) -> None:
    """The weights' shapes decide what is built; make sure that it is what was asked for."""
    blocks = len(net.blocks[3].multipathway_blocks[0].res_blocks)  # type: ignore[index, union-attr]
    expected = 23 if name.endswith("r101") else 6
    if blocks != expected:
        raise CheckpointError(f"{path}: is no {name}: its res4 has {blocks} blocks, not {expected}; give its own file")
