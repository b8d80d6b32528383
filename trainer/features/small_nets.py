"""The small backbones from the files that the build of the shipped bundle leaves (safetensors)."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from trainer.models.beats import Beats, beats_small
from trainer.models.checkpoint_file import CheckpointError, load_strictly
from trainer.models.slowfast import slowfast_small
from trainer.models.video_net import VideoNet

SMALL_PX = 128


def load_small_video(path: Path) -> VideoNet:
    """The video backbone of `video.safetensors`, with its classifier, in eval mode.

    Raises:
        CheckpointError: the file is missing, damaged, or of another network.
    """
    state = _read(path)
    net = VideoNet(slowfast_small(_classes(state, "slowfast.blocks.6.proj.weight"), SMALL_PX))
    load_strictly(net, state, path)
    return net.eval()


def load_small_audio(path: Path) -> Beats:
    """The audio backbone of `audio.safetensors`, with its classifier, in eval mode.

    Raises:
        CheckpointError: the file is missing, damaged, or of another network.
    """
    state = _read(path)
    net = beats_small(_classes(state, "predictor.weight"))
    load_strictly(net, state, path)
    return net.eval()


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint file") from None
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path}: not a safetensors file, or incomplete ({reason})") from None


def _classes(state: dict[str, Tensor], name: str) -> int | None:
    return len(state[name]) if name in state else None
