"""The four networks as plain functions on arrays: PyTorch eager, PyTorch compiled, ONNX Runtime."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.engine_graphs import SIZES
from edge.contract import HEAD_MASK
from edge.engines.onnxruntime import OnnxRuntimeEngine
from edge.errors import EngineError
from trainer.models.slowfast import SlowFast

Array = NDArray[np.float32]


class Functions(NamedTuple):
    """Of one peer. Pixels are uint8 [32, S, S, 3], already resized."""

    video: Callable[[NDArray[np.uint8]], tuple[Array, Array]]
    """-> appearance [A], motion [M]"""
    audio: Callable[[Array], Array]
    """waveform [n] -> audio [D]"""
    head: Callable[[Array, Array, Array], Array]
    """appearance [3A], motion [3M], audio [D] -> logits [3, K]"""


def in_pytorch(size: str, *, compiled: bool) -> Functions:
    """pytorchvideo's SlowFast (for the small size, which it does not have, ours in PyTorch), BEATs and head in PyTorch.

    Raises:
        EngineError: pytorchvideo is not installed.
    """
    made = SIZES[size].networks()
    slowfast: nn.Module = made.video.slowfast if size == "small" else _hub_slowfast(size, made.video.slowfast)
    slow_index = made.video.slow_index
    audio: nn.Module = nn.Sequential(made.fbank, made.audio)
    head: nn.Module = made.head
    if compiled:
        # The compiler's own default: no tuning flags, as most users call it.
        slowfast, audio, head = torch.compile(slowfast), torch.compile(audio), torch.compile(head)  # type: ignore[assignment]
    mask = torch.from_numpy(HEAD_MASK)

    @torch.inference_mode()
    def run_video(pixels: NDArray[np.uint8]) -> tuple[Array, Array]:
        # As the demos of PySlowFast and mmaction2 prepare a window: to float, normalise, move axes, pack pathways.
        fast = ((torch.from_numpy(pixels).float() / 255.0 - 0.45) / 0.225).permute(3, 0, 1, 2)[None]
        slow = fast.index_select(2, slow_index)
        appearance, motion = slowfast(slow, fast)
        return appearance[0].numpy(), motion[0].numpy()

    @torch.inference_mode()
    def run_audio(waveform: Array) -> Array:
        return audio(torch.from_numpy(waveform[None]))[0].numpy()

    @torch.inference_mode()
    def run_head(*features: Array) -> Array:
        return head(*(torch.from_numpy(values[None]) for values in features), mask).numpy()

    return Functions(run_video, run_audio, run_head)


def in_onnxruntime(folder: Path, threads: int) -> Functions:
    """The exported FP32 graphs; normalising and packing are in the graph."""
    video, fbank, audio, head = (
        OnnxRuntimeEngine(folder / f"{name}.onnx", threads=threads) for name in ("video", "fbank", "audio", "head")
    )

    def run_video(pixels: NDArray[np.uint8]) -> tuple[Array, Array]:
        out = video.infer({"frames": pixels[None]})
        return out["appearance"][0], out["motion"][0]

    def run_audio(waveform: Array) -> Array:
        return audio.infer({"fbank": fbank.infer({"waveform": waveform[None]})["fbank"]})["audio"][0]

    def run_head(appearance: Array, motion: Array, sound: Array) -> Array:
        inputs = {"appearance": appearance[None], "motion": motion[None], "audio": sound[None], "mask": HEAD_MASK}
        return head.infer(inputs)["logits"]

    return Functions(run_video, run_audio, run_head)


class _HubFeatures(nn.Module):
    """pytorchvideo's hub model up to its pooling, averaged over positions, as Ego4D's extractor uses it."""

    def __init__(self, blocks: nn.ModuleList, appearance_dim: int) -> None:
        super().__init__()
        self.blocks = blocks
        self._appearance_dim = appearance_dim

    def forward(self, slow: Tensor, fast: Tensor) -> tuple[Tensor, Tensor]:
        outputs: Any = [slow, fast]
        for block in self.blocks:
            outputs = block(outputs)
        features = outputs.flatten(2).mean(2)
        return features[:, : self._appearance_dim], features[:, self._appearance_dim :]


def _hub_slowfast(size: str, ours: SlowFast) -> nn.Module:
    # pytorchvideo imports one detection operator of torchvision, which SlowFast never uses.
    if "torchvision" not in sys.modules:
        torchvision, operators = types.ModuleType("torchvision"), types.ModuleType("torchvision.ops")
        operators.RoIAlign = nn.Identity  # type: ignore[attr-defined]
        torchvision.ops = operators  # type: ignore[attr-defined]
        sys.modules["torchvision"], sys.modules["torchvision.ops"] = torchvision, operators
    try:
        from pytorchvideo.models.hub import slowfast as hub
    except ImportError as error:
        raise EngineError("pytorchvideo is not installed; install it with `pip install 'egoact[peers]'`") from error
    theirs = getattr(hub, f"slowfast_{size}")(pretrained=False)
    blocks = theirs.blocks[:6]
    for module in blocks.modules():
        if isinstance(module, nn.Conv3d):
            # NumPy integers there, at which the compiler gives up.
            module.stride, module.padding = _integers(module.stride), _integers(module.padding)
    blocks.load_state_dict(ours.blocks.state_dict(), strict=True)
    return _HubFeatures(blocks, ours.appearance_dim).eval()


def _integers(values: Iterable[Any]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
