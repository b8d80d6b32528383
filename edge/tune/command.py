"""Fit the decisions of a bundle on annotated clips: hysteresis, smoothing, boundary, minimum duration, unknown.

The clips are replayed once; what they gave is kept in a folder and decided again with other thresholds. The gain is
shown on groups of clips that were left out of the fit (by scenario and location where the annotation names them, else
by clip), and on --unseen clips. The thresholds go into the bundle when they are at least as good on what was left out.

example:
  egoact tune bundles/kitchen --clips clips/ --annotations clips.csv --unseen other/ --runs runs/tune
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.annotations.csv_table import csv_rows
from edge.annotations.label_map import Mapped
from edge.annotations.read import read_annotation_file, read_truth
from edge.bundle import Bundle, Thresholds, load_bundle, rewrite_manifest
from edge.engines.start import BACKEND_CHOICES
from edge.errors import EgoactError, StorageError, UsageError
from edge.new_folder import new_bundle_folder
from edge.precision import AUTO
from edge.replay.options import ReplayOptions
from edge.replay.player import Player
from edge.sources.clip_files import find_clips
from edge.text import printable
from edge.tune.material import TuneClip
from edge.tune.proof import prove
from edge.tune.text import proof_data, proof_lines
from edge.verify.evidence import gather


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("bundle", type=Path, metavar="BUNDLE", help="folder of the bundle")
    add("--clips", type=Path, nargs="+", required=True, metavar="CLIP", help="clips to fit on, or folders of them")
    add("--annotations", type=Path, required=True, metavar="FILE", help="as of `egoact replay`")
    add("--label-map", type=Path, metavar="CSV", help="which words of the annotation mean which label")
    add("--unseen", type=Path, nargs="+", default=[], metavar="CLIP", help="clips to judge on only")
    add("--runs", type=Path, metavar="DIR", help="keep what the clips gave here, so that a second run is short")
    add("--out", type=Path, metavar="DIR", help="the tuned bundle (default: in place of BUNDLE)")
    add(
        "--streaming-floor",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of the seconds whose label is announced in time now, what must remain (default 0: only F1 counts)",
    )
    add("--dry-run", action="store_true", help="show the gain and change nothing")
    add("--precision", default=AUTO, metavar="P", help="as of `egoact replay`")
    add("--backend", choices=BACKEND_CHOICES, default=AUTO, help="as of `egoact replay`")
    add("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    add("--json", action="store_true", help="print one JSON object at the end")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code. What a user can mend is raised as an EgoactError."""
    bundle = load_bundle(args.bundle)
    if args.out is not None and args.out.exists():
        raise UsageError(f"{args.out}: is there already; name a new folder")
    if not 0 <= args.streaming_floor <= 1:
        raise UsageError(f"--streaming-floor {args.streaming_floor:g}: must be from 0 to 1")
    mapped = read_truth(args.annotations, bundle.labels, args.label_map)
    fit_on = find_clips(args.clips)
    judge_on = tuple(clip for clip in find_clips(args.unseen) if clip not in fit_on) if args.unseen else ()
    groups = _groups(args.annotations)
    clips, unseen = _material(args, bundle, mapped, groups, fit_on, judge_on)
    proof = prove(clips, unseen, bundle.thresholds, args.streaming_floor, _say)
    written = None
    if proof.helps and not args.dry_run:
        provenance = {**bundle.provenance, "tuning": proof_data(proof)}
        written = _write(bundle, args.out, proof.after, provenance)
    if args.json:
        print(json.dumps({**proof_data(proof), "written": None if written is None else str(written)}))
        return 0
    print(f"{bundle.describe()}: decisions fitted on {len(clips)} clips")
    for line in proof_lines(proof):
        print(line)
    print(_closing(args, written, proof.helps))
    return 0


def _closing(args: argparse.Namespace, written: Path | None, helps: bool) -> str:
    if written is not None:
        return f"written to {printable(str(written))}"
    return "nothing was changed (--dry-run)" if helps else "no better on groups left out: the bundle stays as it is"


def _material(
    args: argparse.Namespace,
    bundle: Bundle,
    mapped: Mapped,
    groups: Mapping[str, str],
    fit_on: Sequence[Path],
    judge_on: Sequence[Path],
) -> tuple[list[TuneClip], list[TuneClip]]:
    """The runs of both sets; a clip that fails, or that the annotation does not name, is said and left out."""
    options = ReplayOptions(
        clips=(), report=args.runs, backend=args.backend, threads=args.threads, resume=args.runs is not None
    )
    player = Player(bundle, args.precision, options, None, None)
    sets: tuple[list[TuneClip], list[TuneClip]] = ([], [])
    try:
        for found, clips in zip(sets, (fit_on, judge_on), strict=True):
            for number, clip in enumerate(clips, start=1):
                truth = mapped.of(clip.name)
                if truth is None:
                    _say(f"{clip.name}: no rows of {args.annotations} name this clip; it is left out")
                    continue
                _say(f"clip {number} of {len(clips)}: {clip.name}")
                try:
                    result = player.play(clip, truth)
                except StorageError:
                    raise
                except EgoactError as error:
                    _say(f"{error}; it is left out")
                    continue
                evidence = gather(result, truth, bundle.thresholds)
                found.append(TuneClip(evidence, groups.get(clip.name, clip.name)))
    finally:
        player.close()
    if not any(clip.evidence.actions for clip in sets[0]):
        raise UsageError(f"{args.annotations}: annotates no action of these clips that the bundle has a label for")
    return sets


def _groups(annotations: Path) -> dict[str, str]:
    """Clip name -> 'scenario/location', from our CSV when it has these columns."""
    if not read_annotation_file(annotations).own_words:
        return {}
    groups = {}
    for _, cells in csv_rows(annotations, ("video",), ("scenario", "location")):
        if cells["scenario"] or cells["location"]:
            name = cells["video"].replace("\\", "/").rpartition("/")[2]
            groups[name] = f"{cells['scenario']}/{cells['location']}"
    return groups


def _write(bundle: Bundle, out: Path | None, thresholds: Thresholds, provenance: Mapping[str, Any]) -> Path:
    """Into the bundle itself, or into a copy of it that appears whole."""
    if out is None:
        return rewrite_manifest(bundle, thresholds=thresholds, provenance=provenance).path
    with new_bundle_folder(out) as folder:
        shutil.copytree(bundle.path, folder, dirs_exist_ok=True)
        rewrite_manifest(load_bundle(folder), thresholds=thresholds, provenance=provenance)
    return out


def _say(line: str) -> None:
    print(printable(line), file=sys.stderr)
