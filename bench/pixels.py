"""How far the device's uint8 frames take the features from Ego4D's float frames, row by row.

Prints Markdown: for every clip the lowest cosine between a row's two feature vectors, and the lowest after the mean
row of all clips was taken off (features share a large mean, which flatters the plain cosine).

example:
  python -m bench.pixels ../shared/clips/*.mp4 --net r50
  python -m bench.pixels ../shared/clips/*.mp4 --net small --weights runs/shipped/video/video.safetensors
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.clip import write_clip
from bench.nets import BUILDERS, video_net
from edge.clip_windows import replay_events
from edge.contract import WindowSpec
from edge.errors import SourceError
from trainer.features.backbones import SlowFastVideo, VideoBackbone, torch_on
from trainer.features.float_rows import float_row_inputs
from trainer.features.openvino_module import on_openvino
from trainer.features.windows import row_inputs

CALIBRATION_ROWS = 4
SYNTHETIC = ((30, "30 fps"), (25, "25 fps"), (Fraction(30000, 1001), "29.97 fps"))


@dataclass(frozen=True)
class Agreement:
    """The rows of one clip: lowest and mean cosine, and the same with the mean row of all clips taken off."""

    clip: str
    rows: int
    cosine: float
    mean_cosine: float
    centred: float
    mean_centred: float


def features_both_ways(
    path: Path, spec: WindowSpec, backbone: VideoBackbone, rows: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features [N, A + M] of a clip's first `rows` rows from uint8 frames, and from Ego4D's float frames.

    Raises:
        SourceError: the clip cannot be read.
    """
    uint8 = itertools.islice(row_inputs(replay_events(path, spec), spec), rows)
    floats = itertools.islice(float_row_inputs(path, spec), rows)
    ours, reference = [], []
    for a, b in zip(uint8, floats, strict=True):
        assert a.start_tick == b.start_tick
        ours.append(np.concatenate(backbone(a.frames[None])[:2], axis=1))
        reference.append(np.concatenate(backbone(b.frames[None])[:2], axis=1))
    return np.concatenate(ours), np.concatenate(reference)


def agreements(features: Sequence[tuple[str, NDArray[np.float32], NDArray[np.float32]]]) -> list[Agreement]:
    """Compare (clip, ours, reference); the mean row is the reference's, over all clips."""
    centre = np.concatenate([reference for _, _, reference in features]).mean(axis=0)
    found = []
    for clip, ours, reference in features:
        plain, centred = _cosines(ours, reference), _cosines(ours - centre, reference - centre)
        found.append(
            Agreement(
                clip, len(ours), float(plain.min()), float(plain.mean()), float(centred.min()), float(centred.mean())
            )
        )
    return found


def _cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    a64, b64 = a.astype(np.float64), b.astype(np.float64)
    return (a64 * b64).sum(axis=1) / (np.linalg.norm(a64, axis=1) * np.linalg.norm(b64, axis=1))


def markdown(found: Sequence[Agreement]) -> str:
    """A table, the clips in their order and the worst of all at the end."""
    lines = [
        "| clip | rows | cosine, lowest | mean | mean removed, lowest | mean |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for a in found:
        lines.append(
            f"| {a.clip} | {a.rows} | {a.cosine:.6f} | {a.mean_cosine:.6f} | {a.centred:.5f} | {a.mean_centred:.5f} |"
        )
    worst, centred = min(a.cosine for a in found), min(a.centred for a in found)
    lines.append(f"| **all** | {sum(a.rows for a in found)} | **{worst:.6f}** | | **{centred:.5f}** | |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path, metavar="CLIP", help="besides these: synthetic ones")
    parser.add_argument("--net", choices=BUILDERS, default="r50", help="random weights, calibrated (default: r50)")
    parser.add_argument("--weights", type=Path, help="trained weights of the small network")
    parser.add_argument("--rows", type=int, default=8, help="rows of each clip (default: 8)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--engine", choices=("openvino", "torch"), default="openvino")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    spec = WindowSpec(frame_size_px=128 if args.net == "small" else 256)
    with tempfile.TemporaryDirectory() as folder:
        clips = list(args.clips)
        for fps, title in SYNTHETIC:
            clips.append(write_clip(Path(folder) / f"synthetic {title}.mp4", 3.0, (640, 360), fps))
        firsts = [next(row_inputs(replay_events(c, spec), spec)).frames for c in clips[:CALIBRATION_ROWS]]
        net = video_net(args.net, np.stack(firsts), args.weights)
        compile_module = on_openvino(args.threads) if args.engine == "openvino" else torch_on("cpu")
        backbone = SlowFastVideo(net, compile_module)
        features = []
        for clip in clips:
            try:
                features.append((clip.stem, *features_both_ways(clip, spec, backbone, args.rows)))
            except SourceError as error:
                print(f"left out: {error}")
    found = agreements(features)
    print(f"net: {args.net}, {'trained' if args.weights else 'random weights, calibrated BatchNorm'}\n")
    print(markdown(found))
    if args.json:
        args.json.write_text(json.dumps([vars(a) for a in found], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
