"""The frozen backbones behind two small protocols: as PyTorch networks, or as the graphs of a bundle."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edge.engines.base import Engine
from trainer.models.beats import Beats
from trainer.models.fbank import Fbank
from trainer.models.video_net import VideoNet


class VideoOutputs(NamedTuple):
    """Features of N rows."""

    appearance: NDArray[np.float32]
    """float32 [N, A]"""
    motion: NDArray[np.float32]
    """float32 [N, M]"""
    scores: NDArray[np.float32] | None = None
    """float32 [N, classes], softmax of the classifier; None without one."""


class AudioOutputs(NamedTuple):
    """Features of N windows of sound."""

    audio: NDArray[np.float32]
    """float32 [N, D]"""
    scores: NDArray[np.float32] | None = None
    """float32 [N, classes], sigmoid of the classifier; None without one."""


class VideoBackbone(Protocol):
    """Rows of frames -> features."""

    appearance_dim: int
    motion_dim: int
    classes: int | None

    def __call__(self, frames: NDArray[Any]) -> VideoOutputs:
        """frames: uint8 [N, 32, S, S, 3] RGB, or normalised float32 [N, 3, 32, S, S] where the backbone takes it."""
        ...


class AudioBackbone(Protocol):
    """Windows of sound -> features."""

    dim: int
    classes: int | None

    def __call__(self, samples: NDArray[np.float32]) -> AudioOutputs:
        """samples: float32 [N, n] in [-1, 1] at 16 kHz."""
        ...


class TorchVideo:
    """SlowFast in float32; `video_net` must be in eval mode."""

    def __init__(self, video_net: VideoNet, device: str = "cpu") -> None:
        self._net = video_net.to(device)
        self._device = device
        self.appearance_dim = video_net.slowfast.appearance_dim
        self.motion_dim = video_net.slowfast.motion_dim
        self.classes = video_net.slowfast.num_classes

    @torch.inference_mode()
    def __call__(self, frames: NDArray[Any]) -> VideoOutputs:
        given = torch.from_numpy(frames).to(self._device)
        if given.dtype == torch.uint8:
            appearance, motion = self._net(given)
        else:
            appearance, motion = self._net.slowfast(given.index_select(2, self._net.slow_index), given)
        scores = None if self.classes is None else _numpy(self._net.slowfast.classify(appearance, motion).softmax(1))
        return VideoOutputs(_numpy(appearance), _numpy(motion), scores)


class TorchAudio:
    """Kaldi fbank and BEATs in float32; both must be in eval mode."""

    def __init__(self, fbank: Fbank, beats: Beats, device: str = "cpu") -> None:
        self._fbank, self._beats = fbank.to(device), beats.to(device)
        self._device = device
        self.dim = beats.dim
        self.classes = beats.num_classes

    @torch.inference_mode()
    def __call__(self, samples: NDArray[np.float32]) -> AudioOutputs:
        audio = self._beats(self._fbank(torch.from_numpy(samples).to(self._device)))
        scores = None if self.classes is None else _numpy(self._beats.classify(audio).sigmoid())
        return AudioOutputs(_numpy(audio), scores)


class BundleVideo:
    """The video graph of a bundle, one row at a time: exactly what the device computes."""

    classes: int | None = None

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        dims = {port.name: port.shape[1] for port in engine.spec.outputs}
        self.appearance_dim, self.motion_dim = dims["appearance"], dims["motion"]

    def __call__(self, frames: NDArray[Any]) -> VideoOutputs:
        appearance, motion = [], []
        for row in frames:
            outputs = self._engine.infer({"frames": row[None]})
            appearance.append(outputs["appearance"].copy())
            motion.append(outputs["motion"].copy())
        return VideoOutputs(np.concatenate(appearance), np.concatenate(motion))


class BundleAudio:
    """The log-mel and audio graphs of a bundle, one window at a time."""

    classes: int | None = None

    def __init__(self, fbank: Engine, audio: Engine) -> None:
        self._fbank, self._audio = fbank, audio
        self.dim = audio.spec.outputs[0].shape[1]

    def __call__(self, samples: NDArray[np.float32]) -> AudioOutputs:
        features = []
        for window in samples:
            fbank = self._fbank.infer({"waveform": window[None]})["fbank"]
            features.append(self._audio.infer({"fbank": fbank})["audio"].copy())
        return AudioOutputs(np.concatenate(features))


def _numpy(values: Tensor) -> NDArray[np.float32]:
    return values.float().cpu().numpy()
