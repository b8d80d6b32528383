"""Embed the narrations of a data set, for 'egoact train' and 'egoact tables' (their option --narrations).

SOURCE is what those take: a folder of ARGO1M's CSV or .beton files or one of them, an own-clips CSV, or a rendered
world. Visual and audio narrations are embedded by CLIP's text tower (see 'egoact weights list'), as in the paper, or by
hashed words, which need no weights. Every narration is embedded with five names of the wearer, of which training draws
one for every clip of every batch, as CIR does; --subject takes one name for all.

DIR keeps every narration once: give the command again with other sources to add theirs, or after a kill to go on.

example:
  egoact narrations argo1m --out texts
  egoact narrations argo1m --out texts --clip hub:openai/clip-vit-base-patch32 --device cuda
  egoact narrations clips.csv --out texts --hashed
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import torch

from edge.errors import UsageError
from edge.text import printable
from trainer.data.argo1m import split_files
from trainer.data.argo1m_beton import read_argo1m_beton
from trainer.data.argo1m_csv import read_argo1m_csv
from trainer.data.check_command import csv_header
from trainer.data.clips_csv import read_clips_csv
from trainer.data.errors import DatasetError
from trainer.models.clip_text import load_clip_text
from trainer.narration.clean_up import SUBJECTS
from trainer.narration.encode import Progress, encode_narrations
from trainer.narration.hashed_text import HashedText
from trainer.narration.sentence_encoder import SentenceEncoder
from trainer.tables.world_source import world_folder
from trainer.train_command import check_device


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("source", type=Path, metavar="SOURCE", help="folder or file, see above")
    add("--out", type=Path, required=True, metavar="DIR", help="folder of the embeddings; made when missing")
    encoder = parser.add_mutually_exclusive_group()
    encoder.add_argument(
        "--clip",
        metavar="WEIGHTS",
        help="folder of CLIP, or hub:OWNER/NAME (default: in the folder of weights)",
    )
    encoder.add_argument("--hashed", action="store_true", help="hashed words in place of CLIP")
    add("--subject", metavar="NAME", help=f"what the wearer is called (default: {', '.join(SUBJECTS)})")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", metavar="NAME", help="cpu or cuda")
    add("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    add("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Returns 0.

    Raises:
        UsageError: an option is wrong. EgoactError: the source or the weights cannot be read, or DIR cannot be written
            or holds embeddings of another encoder.
    """
    if args.threads is not None and args.threads < 1:
        raise UsageError(f"--threads {args.threads}: must be at least 1")
    check_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    narrations = read_narrations(args.source)
    encoder: SentenceEncoder = HashedText() if args.hashed else load_clip_text(args.clip, args.device)
    subjects = SUBJECTS if args.subject is None else (args.subject,)
    features = encode_narrations(narrations, encoder, args.out, subjects=subjects, progress=_progress())
    if args.json:
        found = {"narrations": len(features), "of_source": len(narrations), "encoder": features.encoder}
        print(json.dumps({"out": str(args.out), **found, "subjects": list(features.subjects), "dim": features.dim}))
    else:
        names = ", ".join(printable(name) for name in features.subjects)
        print(
            f"{args.out}: {len(features):,} narrations of width {features.dim}, by {features.encoder}; "
            f"the wearer is called: {names}"
        )
    return 0


def read_narrations(source: Path) -> list[str]:
    """The visual and audio narrations of a source, each once, in the order of its files.

    Raises:
        UsageError: the source is of no known kind.
        DatasetError: it has no narration. EgoactError: it cannot be read.
    """
    if not source.exists():
        raise UsageError(f"{source}: there is no such file or folder")
    found = list(dict.fromkeys(text for text in _texts(source) if text))
    if not found:
        raise DatasetError(f"{source}: holds no narration; its columns are 'narration' and 'audio_narration'")
    return found


def _texts(source: Path) -> Iterable[str]:
    world = world_folder(source)
    if world is not None:
        return _of_annotations(world / "annotations.csv")
    if source.is_dir():
        for suffix in (".csv", ".beton"):
            files = [path for parts in split_files(source, suffix).values() for path in parts.values()]
            if files:
                return (text for path in files for text in _of_argo1m(path))
        raise UsageError(f"{source}: holds neither ARGO1M's files (Ar_ITA_train.csv ...) nor a rendered world")
    if source.suffix == ".beton" or "uid" in csv_header(source):
        return _of_argo1m(source)
    return _of_annotations(source)


def _of_argo1m(path: Path) -> tuple[str, ...]:
    return (read_argo1m_beton(path).facts if path.suffix == ".beton" else read_argo1m_csv(path).facts).texts


def _of_annotations(path: Path) -> Iterable[str]:
    return (text for rows in read_clips_csv(path).values() for a in rows for text in (a.narration, a.audio_narration))


def _progress() -> Progress:
    """A line that renews itself on a terminal; elsewhere one every half minute."""
    started_s = shown_s = time.monotonic()
    terminal = sys.stderr.isatty()

    def show(done: int, total: int) -> None:
        nonlocal shown_s
        now_s = time.monotonic()
        if now_s - shown_s < (0.5 if terminal else 30.0) and done != total:
            return
        shown_s = now_s
        left_s = (now_s - started_s) / done * (total - done)
        start, end = ("\r", "\n" if done == total else "") if terminal else ("", "\n")
        print(f"{start}{done:,} of {total:,} narrations, {left_s:.0f} s left ", end=end, file=sys.stderr, flush=True)

    return show
