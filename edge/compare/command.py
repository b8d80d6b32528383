"""Compare any two engines, precisions, back ends or bundles on the same clips: features, labels, layers.

A and B are each: a precision of the bundle (f32, bf16, int8, int8+bf16 = video + audio), BACKEND:PRECISION (cpu,
tensorrt, onnxruntime), the folder of another bundle, or an ONNX file that replaces one graph (video.int8-cpu.onnx).

example:
  egoact compare f32 int8 --clips clips/
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from edge.annotations import read_annotations
from edge.bundle import SHIPPED, load_bundle
from edge.clip_windows import clip_windows
from edge.compare.difference import LabelDifference, TensorDifference, feature_differences, label_differences
from edge.compare.layers import layer_differences
from edge.compare.outputs import run_both
from edge.compare.subject import Subject, subject
from edge.contract import MODES
from edge.engines.base import Tensors
from edge.errors import UsageError
from edge.plain import percent
from edge.sources.clip_files import find_clips

LAYER_WINDOWS = 8
WORST_LAYERS = 15


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("first", metavar="A", help="what is compared against, usually f32")
    add("second", metavar="B", help="what is judged")
    add("--clips", type=Path, nargs="+", required=True, metavar="CLIP", help="video files, or folders of them")
    add("--bundle", type=Path, default=SHIPPED, metavar="DIR", help="the model (default: the one that is built in)")
    add("--annotations", type=Path, metavar="CSV", help="also compare accuracy on these annotated clips")
    add("--layers", choices=("video", "audio"), help="also compare this engine layer by layer (CPU only)")
    add("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    add("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code. What a user can mend is raised as an EgoactError."""
    bundle = load_bundle(args.bundle)
    sides = subject(args.first, bundle), subject(args.second, bundle)
    if sides[0].bundle.window != sides[1].bundle.window or sides[0].bundle.labels != sides[1].bundle.labels:
        raise UsageError(f"{args.first} and {args.second}: their windows or labels differ; compare bundles of one kind")
    clips = find_clips(args.clips)
    truth = read_annotations(args.annotations) if args.annotations else None
    engines = sides[0].load(args.threads), sides[1].load(args.threads)
    try:
        first, second = run_both((sides[0].bundle, sides[1].bundle), engines, clips)
    finally:
        for loaded in engines:
            loaded.close()
    tensors = feature_differences(first, second)
    labels = label_differences(first, second, bundle.labels, truth)
    layers = _layers(args.layers, sides, clips, args.threads) if args.layers else None
    if args.json:
        print(json.dumps(_data(args, tensors, labels, layers)))
    else:
        print("\n".join(_text(args, len(clips), tensors, labels, layers)))
    return 0


def _layers(
    engine: str, sides: tuple[Subject, Subject], clips: Sequence[Path], threads: int | None
) -> list[TensorDifference]:
    if any(side.backend == "tensorrt" for side in sides):
        raise UsageError("--layers: a TensorRT plan has no inner tensors to read; compare on the CPU")
    graphs = sides[0].file(engine), sides[1].file(engine)
    precisions = getattr(sides[0].precisions, engine), getattr(sides[1].precisions, engine)
    return layer_differences(graphs, precisions, _layer_windows(engine, sides[0], clips), threads=threads)


def _layer_windows(engine: str, side: Subject, clips: Sequence[Path]) -> list[Tensors]:
    """The first windows of every clip in turn, until there are LAYER_WINDOWS."""
    feeds: list[Tensors] = []
    fbank = side.load(1).fbank if engine == "audio" else None
    for clip in clips:
        share = max(1, LAYER_WINDOWS // len(clips))
        for window in clip_windows(clip, side.bundle.window):
            if share == 0 or len(feeds) == LAYER_WINDOWS:
                break
            if fbank is None:
                feeds.append({"frames": window.video.frames[None]})
            else:
                feeds.append({"fbank": fbank.infer({"waveform": window.audio.samples[None]})["fbank"].copy()})
            share -= 1
    return feeds


def _text(
    args: argparse.Namespace,
    clips: int,
    tensors: Sequence[TensorDifference],
    labels: Sequence[LabelDifference],
    layers: Sequence[TensorDifference] | None,
) -> list[str]:
    lines = [f"{args.second} against {args.first}: {clips} clips, {labels[0].windows if labels else 0} windows"]
    lines.append(f"  {'':12}{'cosine, mean removed':>22}{'lowest':>10}{'noise/signal':>14}{'largest error':>15}")
    lines += [_tensor_line(t) for t in tensors]
    for mode in labels:
        told = f"  {mode.mode:<12}top label agrees in {percent(mode.agreement)} of {mode.windows} windows"
        lines.append(told + f", distributions differ by {mode.probability_shift:.4f}")
        if mode.accuracy is not None:
            before, after = mode.accuracy
            lines.append(
                f"  {'':12}accuracy {percent(before)} -> {percent(after)} on {mode.accuracy_windows} annotated windows"
            )
        if mode.mode == MODES[0]:
            lines += [f"  {'':12}{n} x {a} -> {b}" for a, b, n in mode.changes[:5]]
    if layers is not None:
        worst = sorted(layers, key=lambda t: -t.relative_l2)[:WORST_LAYERS]
        lines.append(f"  the {len(worst)} layers of {len(layers)} with the most noise:")
        lines += [_tensor_line(t) for t in worst]
    return lines


def _tensor_line(t: TensorDifference) -> str:
    row = f"{t.centred_cosine_mean:>22.5f}{t.centred_cosine_min:>10.5f}{t.relative_l2:>14.4f}{t.max_abs:>15.4g}"
    return f"  {t.name:<12}{row}" if len(t.name) <= 12 else f"  {t.name}\n  {'':12}{row}"


def _data(
    args: argparse.Namespace,
    tensors: Sequence[TensorDifference],
    labels: Sequence[LabelDifference],
    layers: Sequence[TensorDifference] | None,
) -> dict:
    return {
        "first": args.first,
        "second": args.second,
        "tensors": [asdict(t) for t in tensors],
        "labels": [asdict(mode) for mode in labels],
        "layers": None if layers is None else [asdict(t) for t in layers],
    }
