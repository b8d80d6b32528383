"""The graphs of a whole row at three sizes, and the same networks in PyTorch, with random weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from bench.nets import video_net
from calibration.qdq import quantise
from calibration.ranges import collect_ranges
from edge.contract import HEAD_MASK, WindowSpec
from export.demo_windows import demo_windows
from export.head_rows import head_rows
from export.onnx_graphs import export_audio, export_fbank, export_head, export_video
from trainer.loop.build import build
from trainer.methods.head_spec import HeadSpec
from trainer.models.beats import Beats, beats_base, beats_small
from trainer.models.fbank import Fbank, fbank_frames
from trainer.models.video_net import VideoNet

RANGE_ROWS = (4, 20)
"""Rows of the demo clip that give the activation ranges: speed does not depend on them."""


class Networks(NamedTuple):
    """Of a whole row, in eval mode."""

    video: VideoNet
    fbank: Fbank
    audio: Beats
    head: nn.Module


@dataclass(frozen=True)
class Size:
    """What a size consists of."""

    video: str
    """As `bench.nets.video_net` names it."""
    base_audio: bool
    hidden: int
    out: int
    classes: int

    def networks(self) -> Networks:
        """The four networks in eval mode; equal at every call."""
        torch.manual_seed(0)
        spec = WindowSpec(frame_size_px=128 if self.video == "small" else 256)
        rows = np.concatenate([row.frames[None] for row in demo_windows(spec, RANGE_ROWS)])
        video = video_net(self.video, rows)
        beats = beats_base() if self.base_audio else beats_small()
        slowfast = video.slowfast
        dims = (3 * slowfast.appearance_dim, 3 * slowfast.motion_dim, beats.dim)
        head = HeadSpec(*dims, self.classes, scenarios=10, locations=13, hidden=self.hidden, out=self.out)
        rows_of_head = head_rows(build("narration_aligned", {}, head).eval(), head)
        return Networks(video, Fbank().eval(), beats.eval(), rows_of_head)


SIZES = {
    "small": Size("small", base_audio=False, hidden=192, out=128, classes=17),
    "r50": Size("r50", base_audio=True, hidden=4096, out=512, classes=60),
    "r101": Size("r101", base_audio=True, hidden=4096, out=512, classes=60),
}


def write_graphs(size: Size, folder: Path, threads: int) -> None:
    """The four graphs, INT8 flavours of both backbones, and `inputs.npz`: one real row, NAME.INPUT -> array."""
    networks = size.networks()
    slowfast, beats = networks.video.slowfast, networks.audio
    spec = WindowSpec(frame_size_px=slowfast.crop_px)
    windows = demo_windows(spec, RANGE_ROWS)
    widths = (3 * slowfast.appearance_dim, 3 * slowfast.motion_dim, beats.dim)
    export_video(networks.video, folder / "video.onnx")
    export_fbank(folder / "fbank.onnx", spec.clip_audio_samples)
    export_audio(beats, folder / "audio.onnx", fbank_frames(spec.clip_audio_samples))
    export_head(networks.head, folder / "head.onnx", widths)
    with torch.inference_mode():
        spectra = [networks.fbank(torch.from_numpy(row.samples[None])).numpy() for row in windows]
    feeds = {
        "video": [{"frames": row.frames[None]} for row in windows],
        "audio": [{"fbank": spectrum} for spectrum in spectra],
    }
    for name, inputs in feeds.items():
        graph = folder / f"{name}.onnx"
        scales = collect_ranges(graph, inputs, method="minmax", threads=threads)
        quantise(graph, scales, folder / f"{name}.int8-cpu.onnx", flavour="int8-cpu")
    random = np.random.default_rng(0)
    appearance, motion, audio = (random.random((1, width), np.float32) for width in widths)
    row = {
        "video.frames": windows[0].frames[None],
        "fbank.waveform": windows[0].samples[None],
        "audio.fbank": spectra[0],
        "head.appearance": appearance,
        "head.motion": motion,
        "head.audio": audio,
        "head.mask": HEAD_MASK,
    }
    np.savez(folder / "inputs.npz", **row)
