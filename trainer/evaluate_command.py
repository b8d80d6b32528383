"""Test a trained head: top-1, mean class accuracy and calibration error, also without audio and without video.

RUN is the folder of 'egoact train'. SOURCE is what that takes: a folder of ARGO1M's files, an own-clips CSV, or a
rendered world; --split and --part choose clips of it. Every clip counts: ARGO1M's released code drops the last batch
that is not full.

example:
  egoact evaluate runs/cat world --split Co-Cat --features features
  egoact evaluate runs/ar argo1m --split Ar_ITA --features argo1m_store --json
  egoact evaluate runs/mine kitchen.csv --features features --part everything --confusion confusion.csv
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import torch

from edge.errors import UsageError
from edge.text import printable
from edge.whole_file import why, write_whole_file
from trainer.checkpoint import LAST_WEIGHTS, WEIGHTS, CheckpointConfig, load_checkpoint
from trainer.data.clip_table import ClipTable
from trainer.data.errors import DatasetError
from trainer.evaluation import Evaluation, evaluate_clips, markdown
from trainer.loop.errors import RunError
from trainer.loop.head_clips import HeadClips, Narrations
from trainer.parts import Files, load_parts
from trainer.train_command import check_device

PARTS = ("test", "validation", "train", "everything")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="folder of the trained head")
    add("source", type=Path, metavar="SOURCE", help="folder or CSV file, see above")
    add("--features", type=Path, metavar="DIR", help="feature store (or Ego4D's <uid>.pt); not for .beton files")
    add("--split", metavar="NAME", help="default: the one that the head was trained with")
    add("--part", choices=PARTS, help="which clips (default: test, or everything where nothing is held out)")
    add("--audio", type=Path, metavar="DIR", help="ARGO1M: another store, or a folder of <name of the CSV>.npy")
    add("--manifest", type=Path, metavar="CSV", help="ARGO1M: Ego4D's manifest.csv, to keep videos with sound only")
    add("--weights", choices=("kept", "last"), default="kept", help="of the epoch kept (default) or of the last one")
    add("--confusion", type=Path, metavar="CSV", help="write counts: rows are true labels, columns are predictions")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", metavar="NAME", help="cpu or cuda")
    add("--json", action="store_true", help="print JSON, with every domain and the confusion")


def run(args: argparse.Namespace) -> int:
    """Returns 0.

    Raises:
        UsageError: an option is wrong. EgoactError: run, clips or features cannot be read or do not fit each other.
    """
    check_device(args.device)
    method, config = load_checkpoint(args.run, LAST_WEIGHTS if args.weights == "last" else WEIGHTS)
    split = args.split or config.split or None
    files = Files(args.source, args.features, args.audio, args.manifest)
    parts = load_parts(files, split, config.labels, actions_only=config.background is None)
    part = args.part or ("everything" if parts.test is None else "test")
    table: ClipTable | None = getattr(parts, part)
    if table is None:
        raise UsageError(f"there are no {part} clips; name a --split, or take --part everything")
    _check_fit(table, config)
    if dict(parts.feature_spec) != dict(config.feature_spec):
        print("note: these features were made with something else than those of the training", file=sys.stderr)
    table.require_finite()
    texts = len(table.facts.texts)
    untold = Narrations(np.zeros((1, 1, config.head.text_dim), np.float32), np.zeros(texts, np.int64))  # nobody looks
    found = evaluate_clips(
        method.to(torch.device(args.device)), HeadClips(table, untold, args.device), config.background
    )
    if args.confusion is not None:
        _write_confusion(args.confusion, found)
    if args.json:
        about = {"run": str(args.run), "method": config.method, "split": split, "part": part}
        print(json.dumps({**about, **found.to_json()}, indent=1, allow_nan=False))
    else:
        print(printable_lines(markdown("all clips" if part == "everything" else f"{part} clips", found)))
    return 0


def printable_lines(text: str) -> str:
    """Names come from files: nothing but the line ends may move the cursor."""
    return "\n".join(printable(line) for line in text.splitlines())


def _check_fit(table: ClipTable, config: CheckpointConfig) -> None:
    rows, (appearance, motion, audio) = table.video.rows.shape[1], table.widths
    found = (rows * appearance, rows * motion, audio)
    head = (config.head.appearance_dim, config.head.motion_dim, config.head.audio_dim)
    if found != head:
        raise DatasetError(
            f"{table.facts.name}: features of {', '.join(map(str, found))} values (appearance, motion, audio), but the"
            f" head was trained on {', '.join(map(str, head))}; take features of the same backbones"
        )
    if table.facts.label_names != config.labels:
        unknown = [label for label in table.facts.label_names if label not in config.labels]
        what = f"label '{unknown[0]}' is" if unknown else "the order of the labels is"
        raise DatasetError(f"{table.facts.name}: {what} not the head's; it was trained on other clips")


def _write_confusion(path: Path, found: Evaluation) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["true", *found.labels])
    writer.writerows([label, *row] for label, row in zip(found.labels, found.confusion.tolist(), strict=True))
    try:
        write_whole_file(path, text.getvalue().encode())
    except OSError as problem:
        raise RunError(f"{path}: cannot be written ({why(problem)}); give another file") from None
