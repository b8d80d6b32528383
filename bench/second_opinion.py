"""NNCF's INT8 beside ours: one backbone's graph, the same windows for ranges, speed in turns, features against FP32.

NNCF is a second opinion, not a dependency: `pip install nncf` into the environment that runs this. Prints Markdown.
Times are the processor's, summed over threads: a busy machine stretches the clock, but hardly these.

example:
  python -m bench.second_opinion edge/assets/bundle/video.onnx --clips clips/ --threads 1
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import openvino

from calibration.observers import METHODS
from calibration.qdq import quantise
from calibration.ranges import collect_ranges
from calibration.windows import audio_feeds, calibration_windows, video_feeds
from edge.compare.difference import tensor_difference
from edge.contract import WindowSpec
from edge.engines.base import Engine, Tensors
from edge.engines.openvino import OpenVinoEngine
from edge.errors import EgoactError, UsageError
from edge.precision import processor_can
from edge.sources.clip_files import find_clips


class Row(NamedTuple):
    """One engine beside the FP32 one."""

    name: str
    processor_ms: float
    """Median over the rounds."""
    centred_cosine: float
    """Lowest over outputs of the mean over windows."""
    noise: float
    """Largest over outputs of ||out - FP32|| / ||FP32 - mean||."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", type=Path, help="video.onnx or audio.onnx; fbank.onnx lies beside audio.onnx")
    parser.add_argument("--clips", type=Path, nargs="+", required=True)
    parser.add_argument("--windows", type=int, default=24, help="half of them for ranges, half to judge (24)")
    parser.add_argument("--method", choices=METHODS, default="minmax")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    try:
        rows = measure(arguments)
    except EgoactError as error:
        print(f"second_opinion: {error}", file=sys.stderr)
        return error.exit_code
    print("| engine | processor ms | mean-removed cosine | noise to signal |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row.name} | {row.processor_ms:.1f} | {row.centred_cosine:.5f} | {row.noise:.4f} |")
    return 0


def measure(arguments: argparse.Namespace) -> list[Row]:
    feeds = real_inputs(arguments.graph, find_clips(arguments.clips), arguments.windows)
    ranges, judged = feeds[::2], feeds[1::2]
    with tempfile.TemporaryDirectory(prefix="egoact-second-opinion-") as folder:
        ours, theirs = Path(folder) / "ours.onnx", Path(folder) / "theirs.xml"
        by_nncf(arguments.graph, ranges, theirs)
        scales = collect_ranges(arguments.graph, ranges, method=arguments.method, threads=arguments.threads)
        quantise(arguments.graph, scales, ours, flavour="int8-cpu")
        files = [("FP32", arguments.graph, "f32"), ("BF16", arguments.graph, "bf16")]
        files += [("INT8, ours", ours, "int8"), ("INT8, NNCF", theirs, "int8")]
        engines: dict[str, Engine] = {
            name: OpenVinoEngine(file, precision=precision, threads=arguments.threads)
            for name, file, precision in files
            if precision == "int8" or processor_can(precision)
        }
    return compare(engines, judged, arguments.rounds)


def real_inputs(graph: Path, clips: Sequence[Path], count: int) -> list[Tensors]:
    """Inputs of a video or audio graph from real clips."""
    port = onnx.load(graph).graph.input[0]
    shape = [dim.dim_value for dim in port.type.tensor_type.shape.dim]
    if port.name == "frames":
        return list(video_feeds(calibration_windows(clips, WindowSpec(frame_size_px=shape[2]), count=count)))
    if port.name == "fbank":
        fbank = OpenVinoEngine(graph.with_name("fbank.onnx"), threads=1)
        return list(audio_feeds(calibration_windows(clips, WindowSpec(frame_size_px=64), count=count), fbank))
    raise UsageError(f"{graph}: its input is {port.name}; give a bundle's video.onnx or audio.onnx")


def by_nncf(graph: Path, feeds: Sequence[Tensors], out: Path) -> None:
    """Post-training quantisation with NNCF's own choices.

    Raises:
        UsageError: NNCF is not installed.
    """
    try:
        import nncf
    except ImportError as error:
        raise UsageError("NNCF is not installed; install it with `pip install nncf`") from error
    model = openvino.Core().read_model(graph)
    kind = nncf.ModelType.TRANSFORMER if "fbank" in feeds[0] else None
    rounded = nncf.quantize(model, nncf.Dataset(feeds), subset_size=len(feeds), model_type=kind)
    openvino.save_model(rounded, out, compress_to_fp16=False)


def compare(engines: dict[str, Engine], feeds: Sequence[Tensors], rounds: int) -> list[Row]:
    """All engines on all feeds; timed in turns on the first one."""
    outputs = {name: [_copied(engine.infer(feed)) for feed in feeds] for name, engine in engines.items()}
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            start = time.process_time()
            engine.infer(feeds[0])
            times[name].append(1000 * (time.process_time() - start))
    reference = next(iter(outputs.values()))
    rows = []
    for name, found in outputs.items():
        differences = [
            tensor_difference(key, *(np.concatenate([out[key] for out in side]) for side in (reference, found)))
            for key in reference[0]
        ]
        cosine = min(difference.centred_cosine_mean for difference in differences)
        noise = max(difference.relative_l2 for difference in differences)
        rows.append(Row(name, float(np.median(times[name])), cosine, noise))
    return rows


def _copied(tensors: Tensors) -> Tensors:
    return {name: value.copy() for name, value in tensors.items()}


if __name__ == "__main__":
    raise SystemExit(main())
