"""The two frozen backbones of a bundle, as networks to export or as the finished graph of another bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.bundle import MANIFEST, SHIPPED, load_bundle
from edge.contract import WindowSpec
from edge.errors import UsageError
from trainer.features.recipe import AUDIO_BACKBONES, NONE, SLOWFAST_ALPHA, SMALL, VIDEO_BACKBONES
from trainer.features.small_nets import load_small_audio, load_small_video
from trainer.models.beats import Beats
from trainer.models.beats_checkpoint import load_beats
from trainer.models.checkpoint_file import CheckpointError
from trainer.models.slowfast_checkpoint import load_slowfast
from trainer.models.video_net import VideoNet
from trainer.weights.catalogue import weight
from trainer.weights.folder import locate, sha256_of, verify


@dataclass(frozen=True)
class VideoBackbone:
    """frames -> appearance, motion."""

    name: str
    sha256: str
    """Of the file that it comes from."""
    network: VideoNet | Path
    """A network, or an ONNX graph that is taken as it is."""
    window: WindowSpec
    appearance_dim: int
    motion_dim: int


@dataclass(frozen=True)
class AudioBackbone:
    """fbank -> audio."""

    name: str
    sha256: str
    network: Beats | Path
    dim: int
    samples: int | None = None
    """Samples of sound that a finished graph takes; None: a network takes any number."""


def video_backbone(which: str) -> VideoBackbone:
    """The backbone that `which` names: one of `egoact features --video`, a checkpoint file, or a bundle's folder.

    A file of SlowFast does not tell 8x8 from 4x16: it is 4x16 when its name says so, as the published one's does.

    Raises:
        UsageError: there is no such name or file.
        EgoactError: the weights are missing, changed, refused, or do not fit.
    """
    if which in SLOWFAST_ALPHA:
        path = locate(weight(which))
        return _slowfast(path, SLOWFAST_ALPHA[which], verify(path), expected=which)
    path = _path(which, "--video", VIDEO_BACKBONES)
    if path.is_dir():
        bundle = load_bundle(path)
        dims, graph = bundle.feature_dims, bundle.graph("video")
        return VideoBackbone(SMALL, bundle.sha256[graph.name], graph, bundle.window, dims.appearance, dims.motion)
    if path.suffix == ".safetensors":
        return of_video_net(load_small_video(path), SMALL, sha256_of(path))
    return _slowfast(path, 8 if "4x16" in path.name else 4, sha256_of(path))


def audio_backbone(which: str) -> AudioBackbone:
    """As `video_backbone`, for sound.

    Raises:
        UsageError: there is no such name or file.
        EgoactError: the weights are missing, changed, refused, or do not fit.
    """
    if which in AUDIO_BACKBONES and which not in (SMALL, NONE):
        path = locate(weight(which))
        return of_beats(load_beats(path), which, verify(path))
    path = _path(which, "--audio", tuple(name for name in AUDIO_BACKBONES if name != NONE))
    if path.is_dir():
        bundle = load_bundle(path)
        graph = bundle.graph("audio")
        samples = bundle.window.clip_audio_samples
        return AudioBackbone(SMALL, bundle.sha256[graph.name], graph, bundle.feature_dims.audio, samples)
    if path.suffix == ".safetensors":
        return of_beats(load_small_audio(path), SMALL, sha256_of(path))
    beats = load_beats(path)
    return of_beats(beats, "beats" if beats.num_classes is None else "beats_audioset", sha256_of(path))


def of_video_net(net: VideoNet, name: str, sha256: str) -> VideoBackbone:
    """A network that is already loaded; its window is the contract's at the network's frame size."""
    slowfast = net.slowfast
    window = WindowSpec(
        frame_size_px=slowfast.crop_px, slow_frames=tuple(int(index) for index in net.slow_index.tolist())
    )
    return VideoBackbone(name, sha256, net.eval(), window, slowfast.appearance_dim, slowfast.motion_dim)


def of_beats(beats: Beats, name: str, sha256: str) -> AudioBackbone:
    """A network that is already loaded."""
    return AudioBackbone(name, sha256, beats.eval(), beats.dim)


def _slowfast(path: Path, alpha: int, sha256: str, expected: str | None = None) -> VideoBackbone:
    slowfast = load_slowfast(path, alpha=alpha, crop_px=WindowSpec().frame_size_px)
    blocks = len(slowfast.blocks[3].multipathway_blocks[0].res_blocks)  # type: ignore[index, union-attr]
    rate, depth = ("8x8" if alpha == 4 else "4x16"), {6: "r50", 23: "r101"}.get(blocks, f"{blocks} blocks in res4")
    name = f"slowfast{rate}_{depth}"
    if expected is not None and name != expected:
        raise CheckpointError(f"{path}: is {name}, not {expected}; fetch {expected} again")
    return of_video_net(VideoNet(slowfast), name, sha256)


def _path(which: str, option: str, names: tuple[str, ...]) -> Path:
    if which == SMALL:
        return SHIPPED
    path = Path(which)
    if path.is_file() or (path / MANIFEST).is_file():
        return path
    raise UsageError(f"{option} {which}: neither one of {', '.join(names)}, nor a checkpoint file, nor a bundle")
