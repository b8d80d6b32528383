"""egoact beside eager PyTorch, torch.compile and ONNX Runtime: windows a second, label age, memory, same outputs.

A window is everything from 32 raw frames and 2.13 s of sound to logits. The others compute each window anew from its
raw frames, as the demos of PySlowFast and mmaction2 do; egoact resizes a frame once. Every peer is a process of its own
with the same random weights (BatchNorm statistics of real frames); they take turns, one window each, then each plays
the camera at real pace for a while, taking the newest complete row whenever it is free. With random weights the outputs
of FP32 must agree; how well INT8 does with trained weights is what `egoact calibrate` and `egoact compare` say.

Needs the extra `peers` (pytorchvideo).

example:
  python -m bench.peers --size r50 --turns 12 --json peers.json
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.peers.measure import PeerResult, measure
from bench.peers.worker import EAGER, PEERS, Setup
from edge.bench.bounds import busy_warning
from edge.bench.engine_tables import milliseconds
from edge.bench.foreign_load import ForeignLoad
from edge.bench.machine import machine_facts
from edge.bench.table import Table
from edge.bundle import load_bundle
from edge.demo import DEMO
from edge.errors import EgoactError
from edge.precision import processor_can

SIZES = ("small", "r50", "r101")
CLIP_S = 10.0
"""Of the clip that is looped."""


def main() -> int:
    try:
        return _run()
    except EgoactError as error:
        print(f"bench.peers: {error}", file=sys.stderr)
        return error.exit_code


def _run() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--size", choices=SIZES, default="small", help="default: small")
    add("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="NAME", help=f"default: {', '.join(PEERS)}")
    add("--turns", type=int, default=12, help="windows of every peer (default: 12)")
    add("--live-s", type=float, default=6.0, metavar="S", help="of a stream at real pace (default: 6)")
    add("--live-rounds", type=int, default=2, metavar="N", help="streams of every peer (default: 2)")
    add("--threads", type=int, default=os.cpu_count() or 1, help="default: all cores")
    add("--clip", type=Path, default=min(DEMO.glob("*.mp4")), help="default: the built-in one")
    add("--work", type=Path, metavar="DIR", help="keep the graphs there, and take them from there")
    add("--json", type=Path, metavar="FILE", help="write all figures")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.work or Path(temporary)) / args.size
        if not (folder / "bundle.json").exists():
            folder.mkdir(parents=True, exist_ok=True)
            _progress(f"exporting and quantising: {args.size}")
            _make_bundle(args.size, folder, args.threads)
        hop_frames, load = load_bundle(folder).window.hop_frames, ForeignLoad()
        names = dict.fromkeys((EAGER, *args.peers))
        able = [name for name in names if not name.startswith("egoact") or processor_can(name.split()[1])]
        setups = [Setup(name, args.size, folder, args.clip, CLIP_S, args.threads) for name in able]
        results = measure(setups, hop_frames, args.turns, args.live_s, args.live_rounds, _progress)
        busy = load.share()
    print(markdown(results, args.size, args.threads, busy))
    if args.json:
        data = {
            "size": args.size,
            "threads": args.threads,
            "turns": args.turns,
            "machine": asdict(machine_facts()),
            "foreign_load": busy,
            "peers": [asdict(result) for result in results],
        }
        args.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return 0


def markdown(results: list[PeerResult], size: str, threads: int, busy: float | None) -> str:
    """One line a peer."""
    machine = machine_facts()
    table = Table(
        (
            f"<{size}, {threads} threads",
            "window, ms (min)",
            "<windows a second, x eager",
            "<processor time, x eager",
            "label age p50, p95 (ms)",
            "age, x eager",
            "rows done",
            "start s",
            "peak MB",
            "<cosine to eager, lowest (appearance, motion, audio)",
        )
    )
    for r in results:
        lowest = ", ".join(f"{low:.4f}" for _, low in r.cosines.values())
        table.add(
            r.peer,
            f"{milliseconds(r.window_ms)} ({milliseconds(r.window_min_ms)})",
            str(r.faster),
            str(r.processor_faster),
            f"{r.age_ms:.0f}, {r.age_p95_ms:.0f}",
            f"{r.younger:.2f}",
            f"{100 * r.rows_done:.0f} %",
            f"{r.start_s:.0f}",
            f"{r.peak_mb:.0f}",
            lowest,
        )
    lines = [*table.markdown(), "", f"{machine.processor}, {machine.cores} cores; [95 % over windows]"]
    warning = busy_warning(busy)
    return "\n".join(lines + ([warning] if warning else []))


def _make_bundle(size: str, folder: Path, threads: int) -> None:
    # Imported here: every peer's process imports this module, and egoact's must not carry PyTorch in its memory.
    from bench.peers.material import make_bundle

    make_bundle(size, folder, threads)


def _progress(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
