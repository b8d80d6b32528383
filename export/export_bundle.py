"""The one way from networks to a bundle: four graphs, the manifest, and the proof that the graphs compute the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from edge.bundle import Bundle, FeatureDims, Thresholds, rewrite_manifest, write_bundle
from edge.contract import HEAD_MASK
from edge.engines.load import load_engines
from export.backbones import AudioBackbone, VideoBackbone
from export.demo_windows import demo_windows
from export.errors import ExportError
from export.onnx_graphs import export_audio, export_fbank, export_head, export_video
from export.parity import Inputs, compare
from trainer.models.fbank import Fbank, fbank_frames

Log = Callable[[str], None]
TOLERANCE = 1e-3
"""Largest difference of a graph from its network, as a share of the output's largest value. Float32 sums in another
order give 1e-6 to 1e-5; a wrong graph is off by far more."""
PROOF_ROWS = (4, 20)
"""Rows of the demo clip on which graphs are compared: both with a full window of sound, 8.5 s apart."""
PACKAGES = ("av", "numpy", "onnx", "opencv-python-headless", "openvino", "soxr", "torch")


@dataclass(frozen=True)
class Parts:
    """What a bundle is made of."""

    video: VideoBackbone
    audio: AudioBackbone
    head: nn.Module
    """Of `head_rows`, or a `StarterHead`."""
    labels: tuple[str, ...]
    background: str | None
    temperature: float
    thresholds: Thresholds
    provenance: Mapping[str, Any]
    """Where it all comes from; `name` is shown to people. Backbones, packages and differences are added."""


def export_bundle(parts: Parts, folder: Path, log: Log, threads: int | None = None) -> Bundle:
    """Write a bundle into `folder`, which should be an empty one: files of an older bundle would become part of it.

    Args:
        threads: processor threads of the comparing engines; None: all cores.

    Raises:
        ExportError: a graph does not compute what its network computes, or the backbones do not fit each other.
        BundleError: the parts do not make a bundle.
    """
    video, audio, spec = parts.video, parts.audio, parts.video.window
    if audio.samples not in (None, spec.clip_audio_samples):
        raise ExportError(
            f"{audio.name}: its graph takes {audio.samples} samples, the window of the video backbone has "
            f"{spec.clip_audio_samples}; take both backbones from one bundle"
        )
    fbank = Fbank()
    if isinstance(video.network, Path):
        shutil.copyfile(video.network, folder / "video.onnx")
    else:
        export_video(video.network, folder / "video.onnx")
    export_fbank(folder / "fbank.onnx", spec.clip_audio_samples)
    if isinstance(audio.network, Path):
        shutil.copyfile(audio.network, folder / "audio.onnx")
    else:
        export_audio(audio.network, folder / "audio.onnx", fbank_frames(spec.clip_audio_samples))
    widths = (spec.clip_rows * video.appearance_dim, spec.clip_rows * video.motion_dim, audio.dim)
    export_head(parts.head, folder / "head.onnx", widths)
    log(f"graphs written: {sum(file.stat().st_size for file in folder.glob('*.onnx')) / 1e6:.0f} MB")

    bundle = write_bundle(
        folder,
        labels=parts.labels,
        background_label=parts.background,
        window=spec,
        feature_dims=FeatureDims(video.appearance_dim, video.motion_dim, audio.dim),
        temperatures={"f32": parts.temperature},
        thresholds=parts.thresholds,
        provenance={
            **parts.provenance,
            "backbones": {
                part: {"name": b.name, "sha256": b.sha256} for part, b in (("video", video), ("audio", audio))
            },
            "packages": {name: version(name) for name in PACKAGES},
        },
    )
    networks = {"video": video.network, "fbank": fbank, "audio": audio.network, "head": parts.head}
    differences = _prove(bundle, networks, log, threads)
    return rewrite_manifest(bundle, provenance={**bundle.provenance, "largest_differences": differences})


def _prove(bundle: Bundle, networks: Mapping[str, nn.Module | Path], log: Log, threads: int | None) -> dict[str, float]:
    """Graph -> its largest difference from its network on windows of the demo clip, as a share of the largest value."""
    found = {}
    inputs = _window_inputs(bundle, threads)
    for name, network in networks.items():
        if isinstance(network, Path):
            log(f"{name}.onnx: taken as it is")
            continue
        differences = compare(network, bundle.graph(name), inputs[name])
        worst = max(differences, key=lambda difference: difference.relative)
        if not worst.relative <= TOLERANCE:
            raise ExportError(
                f"{name}.onnx: {worst.output} in {worst.engine} differs from the network's by {worst.relative:.1e} of "
                f"its largest value (allowed {TOLERANCE:g}); no bundle was written, report network and versions"
            )
        found[name] = float(f"{worst.relative:.2g}")
        log(f"{name}.onnx: equal to its network within {worst.relative:.1e} of the largest value")
    return found


def _window_inputs(bundle: Bundle, threads: int | None) -> dict[str, list[Inputs]]:
    """What each graph is fed on the proof windows; features come from the graphs before it."""
    rows = demo_windows(bundle.window, PROOF_ROWS)
    inputs: dict[str, list[Inputs]] = {name: [] for name in ("video", "fbank", "audio", "head")}
    engines = load_engines(bundle, threads=threads)
    try:
        for row in rows:
            frames, waveform = {"frames": row.frames[None]}, {"waveform": row.samples[None]}
            seen = engines.video.infer(frames)
            appearance, motion = (np.tile(seen[name], bundle.window.clip_rows) for name in ("appearance", "motion"))
            fbank = {"fbank": engines.fbank.infer(waveform)["fbank"].copy()}
            audio = engines.audio.infer(fbank)["audio"].copy()
            clip = {"appearance": appearance, "motion": motion, "audio": audio, "mask": HEAD_MASK}
            for name, feed in (("video", frames), ("fbank", waveform), ("audio", fbank), ("head", clip)):
                inputs[name].append(feed)
    finally:
        engines.close()
    return inputs
