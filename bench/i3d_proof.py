"""INT8 on a trained 3D network and real clips: how far the CPU flavour of I3D is from its FP32.

Ranges come from every second clip, the figures from the others. Prints the agreement of the top label, the cosine of
the features after their mean is removed, and the top labels of each clip (numbers of Kinetics-400's classes).

example:
  python -m bench.i3d_proof --clips ../shared/clips --rows 6 --method percentile
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.i3d import FRAMES, SIDE_PX, i3d_graph
from calibration.observers import METHODS
from calibration.qdq import quantise
from calibration.ranges import collect_ranges
from edge.clip_windows import replay_events
from edge.compare.difference import tensor_difference
from edge.contract import WindowSpec
from edge.engines.openvino import OpenVinoEngine
from trainer.features.windows import row_inputs

SPEC = WindowSpec(row_frames=FRAMES, frame_size_px=SIDE_PX)
SUFFIXES = (".mp4", ".mkv")
BLACK = 20
"""A row whose brightest pixel lies below this shows nothing."""


@dataclass(frozen=True)
class Agreement:
    """INT8 against FP32 on rows that gave no ranges."""

    method: str
    range_rows: int
    rows: int
    top1_agreement: float
    """Share of the rows with the same label first."""
    sure_agreement: float
    """The same, of the rows on which FP32 gives its label at least one half."""
    sure_rows: int
    features_cosine: float
    """Mean over the rows, mean removed."""
    features_lowest_cosine: float
    features_relative_l2: float
    quantised: int
    top: dict[str, list[tuple[int, int]]]
    """Clip -> the top label of each row in FP32 and INT8."""


def windows(clip: Path, rows: int) -> Iterator[NDArray[np.uint8]]:
    """The first rows of a clip without overlap, uint8 [1, 32, 224, 224, 3]; black ones are left out."""
    found = (row.frames for row in row_inputs(replay_events(clip, SPEC), SPEC) if row.start_tick % FRAMES == 0)
    for frames in itertools.islice(found, rows):
        if frames.max() >= BLACK:
            yield frames[None]


def prove(graph: Path, clips: Sequence[Path], rows: int, method: str, threads: int, folder: Path) -> Agreement:
    """Quantise I3D on every second clip and compare on the others.

    Args:
        graph: of `i3d_graph`.
        folder: gets the INT8 graph.
    """
    seen, unseen = clips[::2], clips[1::2]
    feeds = [{"frames": frames} for clip in seen for frames in windows(clip, rows)]
    scales = collect_ranges(graph, feeds, method=method, threads=threads)
    report = quantise(graph, scales, folder / "i3d.int8-cpu.onnx", flavour="int8-cpu")
    engines = [
        OpenVinoEngine(graph, precision="f32", threads=threads),
        OpenVinoEngine(report.path, precision="int8", threads=threads),
    ]
    top: dict[str, list[tuple[int, int]]] = {}
    features: list[list[NDArray]] = [[], []]
    sure = []
    for clip in unseen:
        for frames in windows(clip, rows):
            outputs = [{k: v.copy() for k, v in engine.infer({"frames": frames}).items()} for engine in engines]
            best = tuple(int(output["classes"].argmax()) for output in outputs)
            top.setdefault(clip.name, []).append((best[0], best[1]))
            logits = outputs[0]["classes"][0].astype(np.float64)
            sure.append(1 / np.exp(logits - logits.max()).sum() >= 0.5)
            for kept, output in zip(features, outputs, strict=True):
                kept.append(output["features"])
    same = np.array([a == b for pairs in top.values() for a, b in pairs])
    difference = tensor_difference("features", np.concatenate(features[0]), np.concatenate(features[1]))
    return Agreement(
        method=method,
        range_rows=len(feeds),
        rows=len(same),
        top1_agreement=float(same.mean()),
        sure_agreement=float(same[sure].mean()),
        sure_rows=int(np.sum(sure)),
        features_cosine=difference.centred_cosine_mean,
        features_lowest_cosine=difference.centred_cosine_min,
        features_relative_l2=difference.relative_l2,
        quantised=len(report.quantised),
        top=top,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True, metavar="DIR", help="folder of real clips")
    parser.add_argument("--rows", type=int, default=6, help="of every clip (default: 6)")
    parser.add_argument("--method", choices=METHODS, default="minmax", help="of calibration (default: minmax)")
    parser.add_argument("--threads", type=int, default=1, help="default: 1")
    args = parser.parse_args()
    clips = sorted(path for path in args.clips.iterdir() if path.suffix in SUFFIXES)
    with tempfile.TemporaryDirectory() as folder:
        graph = i3d_graph(Path(folder) / "i3d.onnx")
        found = prove(graph, clips, args.rows, args.method, args.threads, Path(folder))
    print(
        f"{found.rows} rows, ranges of {found.range_rows} others by {found.method}: the same label first on "
        f"{100 * found.top1_agreement:.1f} % ({100 * found.sure_agreement:.1f} % of the {found.sure_rows} rows that "
        f"FP32 is sure of); features, mean removed: cosine {found.features_cosine:.4f} on average, "
        f"{found.features_lowest_cosine:.4f} at worst, relative error {found.features_relative_l2:.3f}"
    )
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
