"""Train the embedded rater of 'egoact rate' on pairs of narrations that belong together.

PAIRS is a CSV with a visual and an audio narration of the same moments, such as EPIC-KITCHENS narrations and
EPIC-SOUNDS descriptions that overlap in time, or a captioned data set; mismatches are drawn from it. --group-column
names what training and test must not share (wearer or video): the model's AUC and its calibration come from groups that
it was not trained on. --weight-column (0..1, such as the overlap in time) says how sure a pair is.

The licence of the pairs goes with the model: egoact ships none.

example:
  egoact rate-train pairs.csv --out rater.safetensors
  egoact rate-train epic.csv --out rater.safetensors --visual-column visual_narration --group-column video_id \\
      --audio-column sound_description,sound_class --group-prefix 3 --weight-column iou
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from edge.errors import UsageError
from edge.text import printable
from trainer.narration.bar import Bar
from trainer.narration.clips_file import ClipsFile, Row, cell_of
from trainer.narration.encoder_choice import encoder_named
from trainer.narration.rating.agreement import AgreementError, Description, save_agreement
from trainer.narration.rating.rater import Pair, pair_of
from trainer.narration.rating.train_agreement import (
    TrainSettings,
    auc,
    calibrate,
    embed_pairs,
    held_out_scores,
    train_net,
)

FOLDS = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("pairs", type=Path, metavar="PAIRS", help="CSV of pairs that belong together")
    add("--out", type=Path, required=True, metavar="MODEL", help="the model (.safetensors)")
    add("--encoder", metavar="DIR", help="sentence encoder (default: the package's MiniLM); or 'hashed'")
    add("--visual-column", default="narration", metavar="NAME", help="default: narration")
    add("--audio-column", default="audio_narration", metavar="NAME", help="default: audio_narration; several: a,b")
    add("--group-column", default="video", metavar="NAME", help="default: video")
    add("--group-prefix", type=int, metavar="N", help="only the first N letters of the group (P01_11 is wearer P01: 3)")
    add("--weight-column", metavar="NAME", help="how much a pair counts, 0..1 (default: all the same)")
    add("--steps", type=int, default=TrainSettings.steps, metavar="N", help=f"default: {TrainSettings.steps}")
    add("--seed", type=int, default=0, metavar="N", help="default: 0")
    add("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    add("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Returns 0.

    Raises:
        UsageError: an option is wrong. EgoactError: the pairs or the encoder cannot be read, or MODEL not written.
    """
    for option in ("steps", "threads", "group_prefix"):
        value = getattr(args, option)
        if value is not None and value < 1:
            raise UsageError(f"--{option.replace('_', '-')} {value}: must be at least 1")
    if args.threads:
        torch.set_num_threads(args.threads)
    pairs, groups, weights = read_pairs(args)
    encoder = encoder_named(args.encoder)
    embedded = embed_pairs(pairs, groups, weights, encoder)
    settings = TrainSettings(steps=args.steps, seed=args.seed)
    bar = Bar(FOLDS + 1, "trainings", sys.stderr)
    matched, others = held_out_scores(embedded, settings, FOLDS, lambda: bar.add(1))
    slope, intercept = calibrate(matched, others, embedded.weight)
    net = train_net(embedded, np.arange(len(embedded)), settings)
    bar.add(1)
    bar.end()
    found = auc(matched, others)
    shape = (encoder.dim, settings.hidden, settings.width)
    save_agreement(args.out, net, Description(encoder.name, *shape, slope, intercept, len(pairs), round(found, 4)))
    if args.json:
        print(json.dumps({"out": str(args.out), "pairs": len(pairs), "groups": len(set(groups)), "auc": found}))
    else:
        what = f"{len(pairs):,} pairs of {len(set(groups)):,} groups, encoder {encoder.name}"
        print(f"{printable(str(args.out))}: {what}; AUC {found:.3f} in groups that it had not seen")
    return 0


def read_pairs(args: argparse.Namespace) -> tuple[list[Pair], list[str], list[float]]:
    """The pairs of a CSV with both narrations, their groups and weights.

    Raises:
        ClipsFileError: a column is missing. AgreementError: no pair, or a weight that is no number from 0 to 1.
    """
    clips = ClipsFile(args.pairs)
    weight_column = [args.weight_column] if args.weight_column else []
    clips.require((args.visual_column, *args.audio_column.split(","), args.group_column, *weight_column))
    pairs, groups, weights = [], [], []
    for row in clips.rows():
        pair = pair_of(row[args.visual_column], cell_of(row, args.audio_column))
        weight = _weight(clips.path, row, args.weight_column)
        if pair is not None and weight > 0:
            pairs.append(pair)
            groups.append(row[args.group_column][: args.group_prefix])
            weights.append(weight)
    if not pairs:
        raise AgreementError(f"{clips.path}: holds no pair with both narrations")
    return pairs, groups, weights


def _weight(path: Path, row: Row, column: str | None) -> float:
    if column is None:
        return 1.0
    try:
        value = float(row[column])
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise AgreementError(f"{path}: {column} '{row[column][:40]}' is not a number from 0 to 1")
    return value
