"""Data sets: `check` says what is wrong with one before it is trained on; `pack` and `sounds` make ARGO1M's features.

`check` takes a folder of ARGO1M's CSV or .beton files or one of them, an own-clips CSV, a folder with a rendered world,
or a feature store. It verifies ranges, features (there, of the right width, finite), sound, starts against times, and
that training and test share no domain. The exit code is 1 when something is wrong. Rows of a file are counted from 1
below its header.

`pack` copies the rows that the clips use, and no others, from a folder of `<uid>.pt` into one feature store, which
training can read at random. Give all CSV files together; a broken run goes on where it stopped. (To keep every row, and
the sound of the videos: egoact features --import-ego4d.)

`sounds` makes the audio features of ARGO1M's clips as the paper has them: BEATs over each clip's own extent, one row a
clip in DIR/<name of the CSV>.npy, which training reads with --audio DIR. It goes on where it stopped.

example:
  egoact data check argo1m --features slowfast8x8_r101_k400 --manifest manifest.csv
  egoact data check argo1m --split Ar_ITA --features argo1m_store --json
  egoact data check clips.csv --features store
  egoact data pack argo1m --features slowfast8x8_r101_k400 --out argo1m_store
  egoact data sounds argo1m --videos v2/full_scale --out argo1m_sounds --device cuda
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from pathlib import Path

from edge.contract import WindowSpec
from edge.errors import EgoactError, UsageError
from edge.text import printable
from edge.whole_file import why
from trainer.data.argo1m import split_files, split_named
from trainer.data.argo1m_csv import read_argo1m_csv
from trainer.data.argo1m_load import is_store
from trainer.data.argo1m_pt import Progress, pack_pt
from trainer.data.argo1m_sounds import extract_sounds
from trainer.data.check_argo1m import check_beton_files, check_csv_files
from trainer.data.check_own import check_own_clips, check_store, check_world
from trainer.data.check_report import CheckReport
from trainer.data.errors import DatasetError
from trainer.features.recipe import Recipe, audio_of
from trainer.features.tasks import find_tasks


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="check | pack | sounds")
    check = actions.add_parser("check", help="say what is wrong with a data set").add_argument
    check("source", type=Path, metavar="SOURCE", help="folder or file, see above")
    check("--features", type=Path, metavar="DIR", help="feature store, or the folder of Ego4D's <uid>.pt")
    check("--audio", type=Path, metavar="DIR", help="feature store, or a folder of <name of the CSV>.npy")
    check("--manifest", type=Path, metavar="CSV", help="Ego4D's manifest.csv: which videos have sound")
    check("--split", action="append", default=[], metavar="NAME", help="only this one (Ar_ITA ...); repeatable")
    check("--quick", action="store_true", help="do not read the features' values")
    check("--json", action="store_true", help="print JSON")
    pack = actions.add_parser("pack", help="copy the rows that clips use into a feature store").add_argument
    pack("source", type=Path, metavar="SOURCE", help="folder of ARGO1M's CSV files, or one of them")
    pack("--features", type=Path, required=True, metavar="DIR", help="folder of Ego4D's <uid>.pt")
    pack("--out", type=Path, required=True, metavar="DIR", help="feature store to make or to go on with")
    sounds = actions.add_parser("sounds", help="audio features of clips, each over its own extent").add_argument
    sounds("source", type=Path, metavar="SOURCE", help="folder of ARGO1M's CSV files, or one of them")
    sounds("--videos", type=Path, required=True, metavar="DIR", help="folder of Ego4D's <uid>.mp4")
    sounds("--out", type=Path, required=True, metavar="DIR", help="folder of <name of the CSV>.npy")
    sounds("--audio", choices=("beats", "beats_audioset"), default="beats", help="default: beats")
    sounds("--audio-weights", type=Path, metavar="FILE", help="this checkpoint, not the one in the folder of weights")
    sounds("--device", default="cpu", metavar="NAME", help="cpu (default) or cuda")


def run(args: argparse.Namespace) -> int:
    """Returns 0, or 1 when the check finds an error.

    Raises:
        UsageError: the source is of no known kind, or an option does not fit it.
        EgoactError: the source cannot be read, or a store cannot be written.
    """
    if not args.source.exists():
        raise UsageError(f"{args.source}: there is no such file or folder")
    if args.action == "pack":
        return _pack(args.source, args.features, args.out)
    if args.action == "sounds":
        return _sounds(args)
    report = _check(args)
    if args.json:
        print(json.dumps(report.as_json(), indent=1))
    else:
        print("\n".join(printable(line) for line in report.lines()))
    return 0 if report.ok else 1


def _check(args: argparse.Namespace) -> CheckReport:
    source: Path = args.source
    splits = [split_named(name) for name in args.split]
    if source.is_dir() and is_store(source):
        return check_store(source, args.quick)
    if source.is_dir() and (source / "annotations.csv").is_file() and (source / "videos.csv").is_file():
        return check_world(source, args.features, args.quick)
    if source.is_dir() and split_files(source, ".csv"):
        return check_csv_files(source, splits, args.features, args.audio, args.manifest, args.quick)
    if source.suffix == ".beton" or (source.is_dir() and split_files(source, ".beton")):
        return check_beton_files(source, splits, args.manifest, args.quick)
    if source.is_dir():
        raise UsageError(
            f"{source}: holds neither ARGO1M's files (Ar_ITA_train.csv ...) nor a rendered world nor a feature store"
        )
    if "uid" in csv_header(source):
        return check_csv_files(source, splits, args.features, args.audio, args.manifest, args.quick)
    return check_own_clips(source, args.features, args.quick)


def _sounds(args: argparse.Namespace) -> int:
    paths = _csv_files(args.source)
    recipe = Recipe(audio=args.audio, audio_weights=args.audio_weights, engine="torch")
    audio, made_with = audio_of(recipe, WindowSpec(), args.device)
    assert audio is not None
    assert made_with is not None
    videos = {task.path.stem: task.path for task in find_tasks([args.videos])}
    failed: dict[str, None] = {}
    try:
        for path in paths:
            clips = read_argo1m_csv(path)
            failed |= dict.fromkeys(extract_sounds(path, clips, videos, audio, made_with, args.out, _progress()))
    except OSError as problem:
        raise DatasetError(
            f"{args.out}: cannot be written ({why(problem)}); make room and give the command again: it goes on"
        ) from None
    for line in failed:
        print(f"egoact data: {printable(line)}", file=sys.stderr)
    print(f"{args.out}: the sound of {len(paths)} files" + (f", but {len(failed)} videos failed" if failed else ""))
    return 1 if failed else 0


def _csv_files(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    paths = [path for parts in split_files(source, ".csv").values() for path in parts.values()]
    if not paths:
        raise UsageError(f"{source}: holds none of ARGO1M's CSV files (Ar_ITA_train.csv ...)")
    return paths


def _pack(source: Path, features: Path, out: Path) -> int:
    clips = [read_argo1m_csv(path) for path in _csv_files(source)]
    try:
        store = pack_pt(features, clips, out, _progress())
    except OSError as problem:
        raise DatasetError(f"{out}: cannot be written ({why(problem)}); make room or give another folder") from None
    print(f"{out}: {store.rows:,} rows of {len(store.videos):,} videos")
    return 0


def csv_header(path: Path) -> list[str]:
    """Names of a CSV's columns in lower case; raises EgoactError where it cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [name.strip().lower() for name in next(csv.reader(file), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise EgoactError(f"{path}: cannot be read as CSV ({problem}); give a CSV or .beton file") from None


def _progress() -> Progress:
    """Writes a line that renews itself to a terminal, at most twice a second."""
    started_s, shown_s = time.monotonic(), 0.0

    def show(done: int, total: int) -> None:
        nonlocal shown_s
        now_s = time.monotonic()
        if not sys.stderr.isatty() or (now_s - shown_s < 0.5 and done != total):
            return
        shown_s = now_s
        left_s = (now_s - started_s) / done * (total - done)
        end = "\n" if done == total else ""
        print(f"\r{done:,} of {total:,} videos, {left_s:.0f} s left ", end=end, file=sys.stderr, flush=True)

    return show
