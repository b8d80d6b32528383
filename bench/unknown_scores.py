"""Which score tells an unknown action best: every action of the built-in world is held out of training once.

A head is trained by the plan of the shipped bundle on the clips without one action. Clips of the other domains (none of
them trained on), and of wearers that training never saw, are judged: rows of the held-out action are the unknown, rows
of the other actions the known ones.

    python -m bench.unknown_scores runs/shipped/work --cache runs/unknown

WORK is the folder of `egoact build-bundle --out`: it holds the rendered world and its features. A head takes about half
a minute of one core; what was judged is kept in the cache, and a second run only scores it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from calibration.temperature import fit_temperature
from edge.unknown import familiarity
from edge.verify.separation import auroc, fpr95
from trainer.build_heads import SPLIT_WORLD, split_clips
from trainer.build_plan import LABELS, SPEC, BuildPlan
from trainer.data.clips_csv import LiveClip, live_clips, read_clips_csv
from trainer.data.own_table import live_table
from trainer.data.world.actions import IDLE_LABEL
from trainer.data.world.domains import split_roles
from trainer.data.world_csv import read_videos_csv
from trainer.evaluate import softmax
from trainer.features.store import FeatureStore
from trainer.loop.fit import fit
from trainer.loop.head_clips import HeadClips, embed_narrations
from trainer.loop.predict import masked_logits
from trainer.narration.hashed_text import HashedText

SPLIT = "Co-Cat"
UNKNOWN = -1
Score = Callable[[NDArray[np.float64], NDArray[np.float64], int], NDArray[np.float64]]
"""(logits over temperature [N, 3, K], probabilities [N, 3, K], index of idle) -> float [N], high where known."""


def actions_only(values: NDArray[np.float64], idle: int) -> NDArray[np.float64]:
    """[N, K - 1] of the fused row."""
    return np.delete(values[:, 0], idle, axis=1)


def distance(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Total variation between the fused and the video row."""
    return 0.5 * np.abs(p[:, 0] - p[:, 1]).sum(axis=1)


SCORES: dict[str, Score] = {
    "confidence": lambda z, p, idle: p[:, 0].max(axis=1),
    "confidence of the best action": lambda z, p, idle: actions_only(p, idle).max(axis=1),
    "maximum logit": lambda z, p, idle: z[:, 0].max(axis=1),
    "maximum logit of the actions": lambda z, p, idle: actions_only(z, idle).max(axis=1),
    "the same, minus 4 x disagreement": lambda z, p, idle: actions_only(z, idle).max(axis=1) - 4 * distance(p),
    "entropy": lambda z, p, idle: (p[:, 0] * np.log(p[:, 0] + 1e-12)).sum(axis=1),
    "familiarity": lambda z, p, idle: familiarity(p, idle),
}


def judged(work: Path, action: str) -> dict[str, NDArray]:
    """Train without `action`, and what the head makes of the clips that were not trained on."""
    plan, world = BuildPlan(), work / "world"
    store = FeatureStore.open(next(iter(sorted(work.glob("features-*")))))
    clips = split_clips(plan, world, store, SPLIT)
    videos = read_videos_csv(world / SPLIT_WORLD / "videos.csv")
    domains, roles = {video.name: video.domain for video in videos}, split_roles(SPLIT)
    annotations = read_clips_csv(world / SPLIT_WORLD / "annotations.csv")
    seen = list(clips.validation)
    for video in (video for video in videos if roles[video.domain] is None):
        starts = store.video(video.name).start_tick.tolist()
        seen += live_clips(video.name, annotations.get(video.name, ()), starts, SPEC, IDLE_LABEL)
    labels = tuple(label for label in LABELS if label != action)

    def held(part: list[LiveClip]) -> HeadClips:
        table = live_table(SPLIT_WORLD, store, part, labels, domains)
        return HeadClips(table, embed_narrations(table.facts.texts, HashedText()), resident=True)

    train, validation = (held([c for c in part if c.label != action]) for part in (clips.train, clips.validation))
    spec = train.head_spec(hidden=plan.head.hidden, out=plan.head.out)
    method = fit(plan.head.method, {}, spec, train, validation, plan.head.fit, None, lambda line: None).method
    # The table wants a label that it knows; the truth of these rows is taken from the clips themselves.
    nameless = held([replace(c, label=IDLE_LABEL) if c.label == action else c for c in seen])
    return {
        "logits": masked_logits(method, nameless),
        "truth": np.array([UNKNOWN if c.label == action else labels.index(c.label) for c in seen]),
        "validation_logits": masked_logits(method, validation),
        "validation_truth": np.array(validation.labels),
        "idle": np.array(labels.index(IDLE_LABEL)),
    }


def separation(found: Mapping[str, NDArray]) -> dict[str, tuple[float, float]]:
    """Score -> (AUROC, FPR95) of one held-out action."""
    temperature = fit_temperature(found["validation_logits"][:, 0], found["validation_truth"])
    truth, idle = found["truth"], int(found["idle"])
    action = truth != idle
    z, unknown = found["logits"][action].astype(np.float64) / temperature, truth[action] == UNKNOWN
    p = softmax(z)
    values = {name: score(z, p, idle) for name, score in SCORES.items()}
    told = {name: (auroc(v[~unknown], v[unknown]), fpr95(v[~unknown], v[unknown])) for name, v in values.items()}
    return {name: (a, f) for name, (a, f) in told.items() if a is not None and f is not None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, metavar="WORK")
    parser.add_argument("--actions", nargs="+", default=[label for label in LABELS if label != IDLE_LABEL])
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.cache.mkdir(parents=True, exist_ok=True)
    told: dict[str, dict[str, tuple[float, float]]] = {}
    for action in args.actions:
        file = args.cache / f"{action}.npz"
        if not file.is_file():
            np.savez(file, **judged(args.work, action))
        with np.load(file) as held:
            told[action] = separation({name: held[name] for name in held.files})
    if args.json:
        print(json.dumps(told))
        return
    print(f"{len(told)} actions, each held out once; mean over actions, and the difference to the plain confidence")
    baseline = np.array([figures["confidence"][0] for figures in told.values()])
    drawn = np.random.default_rng(0).integers(0, len(told), (5000, len(told)))
    for name in SCORES:
        values = np.array([figures[name] for figures in told.values()])
        gain = values[:, 0] - baseline
        low, high = np.percentile(gain[drawn].mean(axis=1), (2.5, 97.5))
        line = f"  {name:<34} AUROC {values[:, 0].mean():.3f}   FPR95 {values[:, 1].mean():.3f}"
        print(f"{line}   {gain.mean():+.3f} [{low:+.3f}, {high:+.3f}]")


if __name__ == "__main__":
    main()
