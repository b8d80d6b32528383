"""Accuracy per precision on the built-in world's unseen domains: each domain judged by the head that never saw it.

    python -m bench.unseen_domains WORK [--bundle DIR] [--threads N]

WORK is the work folder of `egoact build-bundle`. The bundle's backbones run on the clips of all ten held-out domains in
every precision; each domain's features then go through the head that was trained without it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from calibration.hold_out import HoldOut, collect
from edge.annotations import read_annotations
from edge.bundle import SHIPPED, load_bundle
from edge.contract import HEAD_MASK
from edge.engines.load import Engines, load_engines
from edge.precision import Precisions, processor_can
from trainer.build_backbones import SPLIT_WORLD
from trainer.checkpoint import load_checkpoint
from trainer.data.world.domains import SPLITS
from trainer.data.world_csv import read_videos_csv

BOOTSTRAP = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--bundle", type=Path, default=SHIPPED)
    parser.add_argument("--threads", type=int, default=None)
    args = parser.parse_args()
    torch.set_num_threads(args.threads or torch.get_num_threads())
    bundle = load_bundle(args.bundle)
    mixtures = [Precisions("f32", "f32"), Precisions("int8", "int8")]
    mixtures[1:1] = [Precisions("bf16", "bf16")] if processor_can("bf16") else []
    engines: dict[str, Engines] = {m.key: load_engines(bundle, m, threads=args.threads) for m in mixtures}
    world = args.work / "world" / SPLIT_WORLD
    truth = read_annotations(world / "annotations.csv")
    right: dict[str, list[NDArray[np.bool_]]] = {m.key: [] for m in mixtures}
    same: dict[str, list[NDArray[np.bool_]]] = {m.key: [] for m in mixtures}
    print(f"{'held-out domain':<24}" + "".join(f"{m.key:>9}" for m in mixtures) + "   action rows")
    for split, domain in SPLITS.items():
        clips = [world / v.path for v in read_videos_csv(world / "videos.csv") if v.domain == domain]
        held = collect(bundle, engines, clips, truth, {}, per_clip=10_000)
        newest = max(args.work.glob(f"head-{split}-*"), key=lambda folder: folder.stat().st_mtime)
        tops = {m.key: _top_labels(newest, held, m.key) for m in mixtures}
        actions = held.labels != bundle.labels.index(str(bundle.background_label))
        for key, top in tops.items():
            right[key].append((top == held.labels)[actions])
            same[key].append(top == tops["f32"])
        shares = "".join(f"{100 * right[m.key][-1].mean():9.1f}" for m in mixtures)
        print(f"{'/'.join(domain):<24}{shares}   {int(actions.sum())}", flush=True)
    for m in mixtures:
        _total(m.key, right, same)


def _top_labels(head: Path, held: HoldOut, precision: str) -> NDArray[np.int64]:
    """int64 [N]: what the head says with all that is there."""
    method, _ = load_checkpoint(head)
    found = []
    with torch.inference_mode():
        for n in range(len(held)):
            parts = (held.appearance, held.motion, held.audio)
            features = [torch.from_numpy(part[precision][n : n + 1]) for part in parts]
            mask = torch.from_numpy(HEAD_MASK * held.present[n])
            found.append(int(method.model.masked_rows(*features, mask)[0].argmax()))
    return np.array(found)


def _total(key: str, right: dict[str, list[NDArray[np.bool_]]], same: dict[str, list[NDArray[np.bool_]]]) -> None:
    """Pooled accuracy and agreement, and the difference to FP32 with a bootstrap over domains."""
    differences = [100 * (a.mean() - b.mean()) for a, b in zip(right[key], right["f32"], strict=True)]
    rng = np.random.default_rng(0)
    draws = [np.mean(rng.choice(differences, len(differences))) for _ in range(BOOTSTRAP)]
    low, high = np.percentile(draws, [2.5, 97.5])
    pooled = 100 * np.concatenate(right[key]).mean()
    agree = 100 * np.concatenate(same[key]).mean()
    print(
        f"{key}: {pooled:.2f} % of {sum(map(len, right[key]))} action rows, {np.mean(differences):+.2f} points to f32 "
        f"[{low:+.2f}, {high:+.2f}] over domains; same label as f32 in {agree:.2f} % of {sum(map(len, same[key]))} rows"
    )


if __name__ == "__main__":
    main()
