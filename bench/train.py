"""Clips per second of the training loop against a plain PyTorch DataLoader loop with the same method and head.

Features of ARGO1M's widths lie on the disk (made up; --clips sets their number). First whole steps are timed, then the
loading alone: an epoch of batches without any arithmetic. Every way is a process of its own; they take turns, a pass
(of --steps batches, or an epoch) at a time, and the ratio is that of the medians. The plain loop is what PyTorch's
tutorials show: a Dataset that reads one clip from memory maps, the default collation, shuffling, Adam with its
defaults, float32.

Peak memory is that of the process and its workers. "Own" is what the main process allocated; the rest are pages of the
files in the page cache, which the system takes back when it needs them.
Prints two Markdown tables and one line of JSON.

example:
  python -m bench.train --clips 4000 --steps 12 --threads 1 --hidden 192 --out-width 128
  python -m bench.train --steps 40 --threads 1 --bfloat16
  python -m bench.train --steps 200 --device cuda
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from bench.head_data import WORLD, MadeUpClips, Widths
from bench.ways import WAYS, Plan, loading, make_pass, workers_of


@dataclass(frozen=True)
class Measured:
    """One way of training."""

    way: str
    clips_per_s: tuple[float, ...]
    peak_mib: float
    own_mib: float
    gpu_peak_mib: float | None

    @property
    def median(self) -> float:
        return statistics.median(self.clips_per_s)


def compare(plan: Plan, ways: Sequence[str], repeats: int, bfloat16: bool = False) -> list[Measured]:
    """Time all ways turn by turn; the first pass of each warms up and is not counted.

    Args:
        bfloat16: time those of ours with bfloat16 products as well.
    """
    plans = [(way, way, plan) for way in ways]
    if bfloat16:
        half = replace(plan, precision="bfloat16")
        plans += [(f"{way}, bfloat16", way, half) for way in ways if way.startswith("ours")]
    context = multiprocessing.get_context("spawn")
    connections, processes = [], []
    for _, way, its_plan in plans:
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, its_plan, way))
        process.start()
        theirs.close()
        connections.append(ours)
        processes.append(process)
    try:
        rates: list[list[float]] = [[] for _ in plans]
        for turn in range(repeats + 1):
            for connection, found in zip(connections, rates, strict=True):
                connection.send(turn)
                rate = connection.recv()
                if turn:
                    found.append(rate)
        measured = []
        for (name, _, _), connection, found in zip(plans, connections, rates, strict=True):
            connection.send(None)
            measured.append(Measured(name, tuple(found), *connection.recv()))
        return measured
    finally:
        for connection in connections:
            connection.close()
        for process in processes:
            process.terminate()
            process.join()


def _serve(connection: Connection, plan: Plan, way: str) -> None:
    one_pass = make_pass(plan, way)
    own = OwnMemory()
    while (turn := connection.recv()) is not None:
        chosen = np.random.default_rng(turn).permutation(plan.clips.count)[: plan.batch * plan.steps]
        connection.send(one_pass(chosen))
    peak = _status_mib("VmHWM")
    peak += workers_of(way) * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    gpu = torch.cuda.max_memory_reserved() / 2**20 if plan.device != "cpu" else None
    connection.send((peak, own.peak_mib, gpu))


class OwnMemory:
    """The most memory that this process has of its own, looked at 20 times a second."""

    def __init__(self) -> None:
        self.peak_mib = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.peak_mib = max(self.peak_mib, _status_mib("RssAnon"))
            time.sleep(0.05)


def _status_mib(field: str) -> float:
    """A line of /proc/self/status in MiB."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[field].split()[0]) / 1024


def markdown(found: Sequence[Measured], plan: Plan) -> str:
    """A table with a line on what was measured; the ratio is to the faster plain loop."""
    w, best = plan.clips.widths, max((m.median for m in found if m.way.startswith("plain")), default=float("nan"))
    where = torch.cuda.get_device_name() if plan.device != "cpu" else platform.processor() or platform.machine()
    what = f"whole steps, head {plan.hidden} and {plan.out} wide" if plan.what == "training" else "loading alone"
    widths = "+".join(map(str, (3 * w.appearance, 3 * w.motion, w.audio, w.text, w.text)))
    lines = [
        f"{what[0].upper()}{what[1:]}: {plan.clips.count:,} made-up clips of {widths} features, passes of {plan.steps}"
        f" batches of {plan.batch}; {where}, {plan.threads} threads, torch {torch.__version__}",
        "",
        "| way | clips/s | lowest to highest | to plain | peak memory, MiB | of it own, MiB | GPU peak, MiB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for m in found:
        gpu = "" if m.gpu_peak_mib is None else f"{m.gpu_peak_mib:,.0f}"
        spread = f"{min(m.clips_per_s):,.0f} to {max(m.clips_per_s):,.0f}"
        memory = f"{m.peak_mib:,.0f} | {m.own_mib:,.0f} | {gpu}"
        lines.append(f"| {m.way} | {m.median:,.0f} | {spread} | **{m.median / best:.2f}** | {memory} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--clips", type=int, default=200_000, help="default: 200000 (7 GB on the disk)")
    add("--widths", choices=("argo1m", "world"), default="argo1m", help="of the features (default: argo1m)")
    add("--hidden", type=int, default=4096, help="width of the encoders' first layers (default: 4096)")
    add("--out-width", type=int, default=512, help="width of their second layers (default: 512)")
    add("--batch", type=int, default=128, help="default: 128")
    add("--steps", type=int, default=100, help="batches of a pass (default: 100)")
    add("--repeats", type=int, default=5, help="passes of every way (default: 5)")
    add("--ways", nargs="+", choices=WAYS, default=WAYS, metavar="WAY", help=f"of {', '.join(WAYS)} (default: all)")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cpu or cuda")
    add("--bfloat16", action="store_true", help="time ours with bfloat16 products too; plain stays as it is")
    add("--threads", type=int, default=torch.get_num_threads(), help="processor threads of a process")
    add("--folder", type=Path, help="where the features go (default: a temporary folder)")
    args = parser.parse_args()
    if args.clips < args.batch * args.steps:
        parser.error(f"--clips {args.clips}: a pass takes {args.batch * args.steps}")
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        clips = MadeUpClips(Path(folder), args.clips, WORLD if args.widths == "world" else Widths())
        clips.write()
        plan = Plan(clips, args.hidden, args.out_width, args.batch, args.steps, args.threads, args.device)
        found = {"training": compare(plan, args.ways, args.repeats, args.bfloat16)}
        print(markdown(found["training"], plan), flush=True)
        plan = loading(plan)
        found["loading"] = compare(plan, args.ways, args.repeats)
        print(f"\n{markdown(found['loading'], plan)}\n")
    about = {**asdict(plan), "clips": args.clips, "widths": asdict(clips.widths), "steps": args.steps}
    about.pop("what")
    ways = {what: [{**asdict(m), "median": m.median} for m in each] for what, each in found.items()}
    print(json.dumps({**about, **ways}))


if __name__ == "__main__":
    main()
