"""Rows per second of 'egoact features' against a plain loop that decodes and resizes every window on its own.

Both run the same networks on the same clip in one process, in turns; the ratio is that of the medians. Features of
the two are compared first, so that the same work is timed. Prints a Markdown table and one line of JSON.

example:
  python -m bench.extract --threads 2 --seconds 12 --size 1280x720 --repeats 5
  python -m bench.extract --nets small --clip kitchen.mp4 --device cuda
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from bench.clip import write_clip
from bench.nets import BUILDERS, video_net
from bench.plain_loop import extract_plainly
from edge.clip_windows import replay_events
from edge.contract import WindowSpec
from trainer.features.backbones import SlowFastVideo, torch_on
from trainer.features.extract import extract_rows
from trainer.features.openvino_module import on_openvino
from trainer.features.windows import row_inputs


@dataclass(frozen=True)
class Result:
    """Rows per second of one network, as medians over the repeats."""

    net: str
    engine: str
    rows: int
    ours: float
    plain: float
    lowest_cosine: float
    ours_all: tuple[float, ...]
    plain_all: tuple[float, ...]

    @property
    def ratio(self) -> float:
        return self.ours / self.plain


def compare(clip: Path, name: str, engine: str, device: str, threads: int, repeats: int) -> Result:
    """Time both ways on one clip, turn by turn; the first turn of each warms up and is compared, not counted."""
    spec = WindowSpec(frame_size_px=128 if name == "small" else 256)
    net = video_net(name, next(row_inputs(replay_events(clip, spec), spec)).frames[None])
    compile_module = on_openvino(threads) if engine == "openvino" else torch_on(device)
    backbone = SlowFastVideo(net, compile_module)

    def ours() -> NDArray[np.float32]:
        rows = row_inputs(replay_events(clip, spec), spec)
        features = extract_rows(clip, rows, spec, backbone, None)
        return np.concatenate([features.appearance, features.motion], axis=1)

    def plain() -> NDArray[np.float32]:
        return extract_plainly(clip, spec, net, device)

    first, reference = ours(), plain()
    cosine = (first * reference).sum(1) / (np.linalg.norm(first, axis=1) * np.linalg.norm(reference, axis=1))
    rates: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(repeats):
        rates["ours"].append(len(first) / _seconds(ours))
        rates["plain"].append(len(first) / _seconds(plain))
    ours_median, plain_median = (statistics.median(rates[way]) for way in ("ours", "plain"))
    return Result(
        name,
        engine,
        len(first),
        ours_median,
        plain_median,
        float(cosine.min()),
        tuple(rates["ours"]),
        tuple(rates["plain"]),
    )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def markdown(results: list[Result], clip: str, threads: int) -> str:
    """A table with a line on what was measured."""
    lines = [
        f"{clip}; {platform.processor() or platform.machine()}, {threads} threads, torch {torch.__version__}",
        "",
        "| network | engine | rows | egoact, rows/s | plain loop, rows/s | ratio | cosine of the two, lowest |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for r in results:
        lines.append(
            f"| {r.net} | {r.engine} | {r.rows} | {r.ours:.2f} | {r.plain:.2f} | **{r.ratio:.2f}** "
            f"| {r.lowest_cosine:.6f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", nargs="+", choices=BUILDERS, default=["small", "r50"])
    parser.add_argument("--clip", type=Path, help="a clip of 30 fps (default: a synthetic one)")
    parser.add_argument("--seconds", type=float, default=12.0, help="of the synthetic clip (default: 12)")
    parser.add_argument("--size", default="1280x720", metavar="WxH", help="of the synthetic clip (default: 1280x720)")
    parser.add_argument("--engine", choices=("openvino", "torch"), help="default: openvino without a GPU, else torch")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    engine = args.engine or ("openvino" if args.device == "cpu" else "torch")
    with tempfile.TemporaryDirectory() as folder:
        width, height = map(int, args.size.split("x"))
        clip = args.clip or write_clip(Path(folder) / "clip.mp4", args.seconds, (width, height))
        title = args.clip.name if args.clip else f"synthetic clip, {args.size}, 30 fps, {args.seconds:g} s"
        results = [compare(clip, name, engine, args.device, args.threads, args.repeats) for name in args.nets]
    print(markdown(results, title, args.threads))
    print(json.dumps({"clip": title, "threads": args.threads, "results": [asdict(r) for r in results]}))


if __name__ == "__main__":
    main()
