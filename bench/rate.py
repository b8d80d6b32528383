"""Raters of narration pairs: AUC of matched against shuffled pairs of wearers never seen, and pairs per second.

PAIRS is a CSV of matched pairs with the columns narration_id... of EPIC-KITCHENS and EPIC-SOUNDS (see --help for the
names taken): it is read where it lies, its licence (CC BY-NC 4.0) keeps it and what is trained on it out of egoact.
Folds hold participants out (P01 of P01_11); what can be chosen (dropout, width, encoder) is chosen by a third of the
training participants. A shuffled pair is a visual narration with the audio narration of another test pair; it may
happen to be the same words: "other words" leaves such pairs out.

Cosine and the embedded rater run here. A language model is rated by --ratings RATED.csv: what `egoact rate` wrote for
the file of --write-shuffled. The server's row is the speed of the client alone, against a server that answers at once.
Prints a Markdown table and one line of JSON.

example:
  python -m bench.rate --pairs pairs.csv
  python -m bench.rate --pairs pairs.csv --write-shuffled mixed.csv --count 100
  egoact rate mixed.csv --out rated.csv --rater transformers --model models/smollm2 && \\
      python -m bench.rate --pairs pairs.csv --ratings rated.csv
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.rate_speed import speeds
from trainer.narration.hashed_text import HashedText
from trainer.narration.minilm import MiniLm, find_minilm
from trainer.narration.rating.rater import Pair, pair_of
from trainer.narration.rating.train_agreement import (
    EmbeddedPairs,
    TrainSettings,
    auc,
    embed_pairs,
    folds,
    scores_of,
    shuffled,
    train_net,
)
from trainer.narration.sentence_encoder import SentenceEncoder

Scorer = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]
"""Rows of visual and audio narrations -> a score of each pair."""
SHUFFLES = 5
GRID = tuple(
    (encoder, TrainSettings(dropout=dropout, hidden=hidden))
    for encoder in ("minilm", "minilm + hashed")
    for dropout, hidden in ((0.3, 128), (0.5, 256))
)


class Kept:
    """An encoder whose vectors are kept in a folder: they are made once for all runs."""

    def __init__(self, encoder: SentenceEncoder, folder: Path) -> None:
        self._encoder, self._folder = encoder, folder
        self.name, self.dim = encoder.name, encoder.dim

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        key = hashlib.sha256("\0".join((self.name, *texts)).encode()).hexdigest()[:24]
        path = self._folder / f"{key}.npy"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            np.save(path, self._encoder.encode(texts))
        return np.load(path)


class SideBySide:
    """The vectors of several encoders, one behind the other."""

    def __init__(self, *encoders: SentenceEncoder) -> None:
        self._encoders = encoders
        self.name = " + ".join(encoder.name for encoder in encoders)
        self.dim = sum(encoder.dim for encoder in encoders)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.concatenate([encoder.encode(texts) for encoder in self._encoders], axis=1)


@dataclass(frozen=True)
class Test:
    """Held-out pairs and what they are told from."""

    pairs: EmbeddedPairs
    chosen: NDArray[np.int64]

    def auc(self, score: Scorer, other_words: bool = False) -> float:
        """Mean over `SHUFFLES` shuffles."""
        rng = np.random.default_rng(0)
        visual, audio = self.pairs.visual_of[self.chosen], self.pairs.audio_of[self.chosen]
        matched = score(visual, audio)
        found = []
        for _ in range(SHUFFLES):
            drawn = shuffled(audio, rng)
            kept = drawn != audio if other_words else np.full(len(drawn), True)
            found.append(auc(matched, score(visual[kept], drawn[kept])))
        return statistics.mean(found)


def cosine(pairs: EmbeddedPairs) -> Scorer:
    """Of the embeddings as they are."""
    visual, audio = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (pairs.visual, pairs.audio))
    return lambda v, a: (visual[v] * audio[a]).sum(axis=1).astype(np.float64)


def logistic(pairs: EmbeddedPairs, train: NDArray[np.int64], ridge: float = 1e-3) -> Scorer:
    """Logistic regression on [u, v, |u - v|, u * v] of matched pairs and as many shuffled ones."""

    def features(v: NDArray[np.int64], a: NDArray[np.int64]) -> torch.Tensor:
        x, y = torch.from_numpy(pairs.visual[v]), torch.from_numpy(pairs.audio[a])
        return torch.cat([x, y, (x - y).abs(), x * y], dim=1) * 10

    rng = np.random.default_rng(0)
    visual, audio = pairs.visual_of[train], pairs.audio_of[train]
    design = torch.cat([features(visual, audio), features(visual, shuffled(audio, rng))])
    label = torch.cat([torch.ones(len(train)), torch.zeros(len(train))])
    weight = torch.zeros(design.shape[1] + 1, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(design @ weight[:-1] + weight[-1], label)
        value = value + ridge * weight[:-1].square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    fitted = weight.detach()
    return lambda v, a: (features(v, a) @ fitted[:-1]).double().numpy()


def embedded(
    by_encoder: dict[str, EmbeddedPairs], train: NDArray[np.int64], counts: NDArray[np.bool_], seeds: int, steps: int
) -> tuple[Scorer, str]:
    """The embedded rater, its settings chosen by a third of the training participants; and what was chosen."""
    group = by_encoder["minilm"].group
    inner = train[folds(group[train], 3)[0]]
    rest = np.setdiff1d(train, inner)

    def inner_auc(choice: tuple[str, TrainSettings]) -> float:
        pairs = by_encoder[choice[0]]
        net = train_net(pairs, rest, replace(choice[1], steps=steps))
        return Test(pairs, inner[counts[inner]]).auc(lambda v, a: scores_of(net, pairs, v, a))

    name, settings = max(GRID, key=inner_auc)
    pairs = by_encoder[name]
    nets = [train_net(pairs, train, replace(settings, seed=seed, steps=steps)) for seed in range(seeds)]
    told = f"{name}, dropout {settings.dropout}, {settings.hidden} wide"
    return lambda v, a: np.mean([scores_of(net, pairs, v, a) for net in nets], axis=0), told


def read(path: Path, visual: str, audio: str, group: str, overlap: str) -> tuple[list[Pair], list[str], list[float]]:
    """Pairs, participants, overlaps in time."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = [(pair_of(r[visual], ", ".join(r[name] for name in audio.split(","))), r) for r in rows]
    kept = [(pair, r) for pair, r in told if pair is not None]
    return [p for p, _ in kept], [r[group][:3] for _, r in kept], [float(r[overlap]) for _, r in kept]


def compare(
    by_encoder: dict[str, EmbeddedPairs], overlap: NDArray[np.float64], count: int, seeds: int, steps: int
) -> dict[str, dict[str, list[float]]]:
    """AUC by rater, by test set, in every fold."""
    pairs = by_encoder["minilm"]
    found: dict[str, dict[str, list[float]]] = {}
    everything, sure = np.full(len(pairs), True), overlap >= 0.5
    for number, test in enumerate(folds(pairs.group, count)):
        train = np.setdiff1d(np.arange(len(pairs)), test)
        chosen, told = embedded(by_encoder, train, sure, seeds, steps)
        scorers = {
            "cosine of MiniLM": cosine(pairs),
            "logistic on [u, v, |u-v|, uv]": logistic(pairs, train),
            "embedded": chosen,
        }
        for name, score in scorers.items():
            of = found.setdefault(name, {"all": [], "all, other words": [], "overlap": [], "overlap, other words": []})
            for title, counts in (("all", everything), ("overlap", sure)):
                held = Test(pairs, test[counts[test]])
                of[title].append(held.auc(score))
                of[f"{title}, other words"].append(held.auc(score, other_words=True))
        print(f"fold {number + 1}: {told}", flush=True)
    return found


def table(found: dict[str, dict[str, list[float]]]) -> str:
    """Mean and standard deviation over the folds, in Markdown."""
    titles = list(next(iter(found.values())))
    lines = [f"| rater | {' | '.join(titles)} |", f"|---|{'---:|' * len(titles)}"]
    for name, by in found.items():
        cells = [f"{statistics.mean(v):.3f} ± {statistics.stdev(v):.3f}" for v in by.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write_shuffled(path: Path, pairs: Sequence[Pair], sure: NDArray[np.int64], count: int) -> None:
    """`count` matched and `count` shuffled pairs, as a clip CSV for `egoact rate`."""
    rng = np.random.default_rng(0)
    chosen = rng.choice(sure, count, replace=False)
    others = shuffled(chosen, rng)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("narration", "audio_narration", "matched"))
        writer.writerows((pairs[i].visual, pairs[i].audio, 1) for i in chosen)
        writer.writerows((pairs[i].visual, pairs[j].audio, 0) for i, j in zip(chosen, others, strict=True))


def ratings_auc(path: Path) -> tuple[float, int]:
    """AUC of what `egoact rate` made of `write_shuffled`'s file, and the number of rated pairs."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["consistency_by"]]
    by = {m: np.array([float(r["consistency"]) for r in rows if r["matched"] == m]) for m in ("0", "1")}
    return auc(by["1"], by["0"]), len(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--pairs", type=Path, required=True)
    add("--visual-column", default="visual_narration")
    add("--audio-column", default="sound_description,sound_class", help="several are joined by commas")
    add("--group-column", default="video_id")
    add("--overlap-column", default="iou")
    add("--folds", type=int, default=5)
    add("--seeds", type=int, default=1, help="nets whose scores are averaged")
    add("--steps", type=int, default=TrainSettings.steps, help="of a training")
    add("--threads", type=int, default=1)
    add("--keep", type=Path, default=Path(tempfile.gettempdir()) / "egoact-bench-rate", help="embeddings")
    add("--write-shuffled", type=Path)
    add("--count", type=int, default=100)
    add("--ratings", type=Path)
    args = parser.parse_args(arguments)
    torch.set_num_threads(args.threads)
    pairs, groups, overlap = read(
        args.pairs, args.visual_column, args.audio_column, args.group_column, args.overlap_column
    )
    sure = np.flatnonzero(np.array(overlap) >= 0.5)
    if args.write_shuffled:
        write_shuffled(args.write_shuffled, pairs, sure, args.count)
        return
    if args.ratings:
        found_auc, count = ratings_auc(args.ratings)
        print(f"{args.ratings}: AUC {found_auc:.3f} of {count} rated pairs")
        return
    minilm, hashed = MiniLm(find_minilm()), HashedText()
    encoders = {"minilm": minilm, "minilm + hashed": SideBySide(minilm, hashed)}
    by_encoder = {n: embed_pairs(pairs, groups, overlap, Kept(e, args.keep)) for n, e in encoders.items()}
    print(f"{len(pairs):,} pairs, {len(sure):,} of an overlap of at least 0.5, {len(set(groups))} participants")
    started_s = time.monotonic()
    found = compare(by_encoder, np.array(overlap), args.folds, args.seeds, args.steps)
    print(table(found))
    print(f"{time.monotonic() - started_s:.0f} s")
    by_rater = speeds(pairs, repeats=3)
    print("\n".join(f"{name}: {value:,.0f} pairs/s" for name, value in by_rater.items()))
    print(json.dumps({"auc": found, "pairs_per_s": by_rater}))


if __name__ == "__main__":
    main()
