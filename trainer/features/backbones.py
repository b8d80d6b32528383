"""The frozen backbones behind two small protocols: as PyTorch networks, or as the graphs of a bundle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

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


class Compiled(Protocol):
    """A module that runs: a batch of one array in, its outputs as arrays of their own."""

    def __call__(self, values: NDArray[Any]) -> list[NDArray[np.float32]]: ...


Compile = Callable[[nn.Module], Compiled]
"""Makes a module of one input ready to run: `torch_on(device)`, or `openvino_module.on_openvino(threads)`."""


class SlowFastVideo:
    """SlowFast in float32."""

    def __init__(self, video_net: VideoNet, compile_module: Compile) -> None:
        slowfast = video_net.slowfast
        self.appearance_dim, self.motion_dim = slowfast.appearance_dim, slowfast.motion_dim
        self.classes = slowfast.num_classes
        self._run = compile_module(_VideoModule(video_net).eval())

    def __call__(self, frames: NDArray[Any]) -> VideoOutputs:
        return VideoOutputs(*self._run(frames))


class BeatsAudio:
    """Kaldi fbank and BEATs in float32."""

    def __init__(self, fbank: Fbank, beats: Beats, compile_module: Compile) -> None:
        self.dim = beats.dim
        self.classes = beats.num_classes
        self._run = compile_module(_AudioModule(fbank, beats).eval())

    def __call__(self, samples: NDArray[np.float32]) -> AudioOutputs:
        return AudioOutputs(*self._run(samples))


class _VideoModule(nn.Module):
    """Frames, raw or normalised -> appearance, motion and, with a classifier, its softmax."""

    def __init__(self, video_net: VideoNet) -> None:
        super().__init__()
        self.net = video_net

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        slowfast = self.net.slowfast
        if frames.dtype == torch.uint8:
            appearance, motion = self.net(frames)
        else:
            appearance, motion = slowfast(frames.index_select(2, self.net.slow_index), frames)
        if slowfast.num_classes is None:
            return appearance, motion
        return appearance, motion, slowfast.classify(appearance, motion).softmax(dim=1)


class _AudioModule(nn.Module):
    """Samples -> the mean token and, with a classifier, its sigmoid."""

    def __init__(self, fbank: Fbank, beats: Beats) -> None:
        super().__init__()
        self.fbank, self.beats = fbank, beats

    def forward(self, samples: Tensor) -> tuple[Tensor, ...]:
        audio = self.beats(self.fbank(samples))
        if self.beats.num_classes is None:
            return (audio,)
        return audio, self.beats.classify(audio).sigmoid()


def torch_on(device: str) -> Compile:
    """Run modules eagerly with PyTorch on 'cpu' or 'cuda'."""

    def compile_module(module: nn.Module) -> Compiled:
        module.to(device)

        @torch.inference_mode()
        def run(values: NDArray[Any]) -> list[NDArray[np.float32]]:
            outputs = module(torch.from_numpy(values).to(device))
            return [output.cpu().numpy() for output in outputs]

        return run

    return compile_module


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
