"""Make a bundle: a trained head and its frozen backbones as ONNX graphs with a manifest, ready for replay and live.

CHECKPOINT is the folder that 'egoact train' wrote. Backbones are named as in 'egoact features', or given as a file or
another bundle's folder; by default they are the ones that the head's features were made with, and others are refused.
With --clips and --features (what 'egoact train' was given) temperature and unknown threshold are fitted on the
validation clips; without, the temperature is 1.

--starter takes no checkpoint: labels are the 400 actions of Kinetics and the 527 sounds of AudioSet, from the
classifiers of the published backbones. Names of the classes: egoact weights fetch kinetics400_names audioset_names.

Every graph is run beside its network on the built-in clip; a bundle whose graphs differ is not written. A bundle that
lies at --out stays there until the new one is complete.

example:
  egoact export runs/cat --clips world --features features --out bundle
  egoact export runs/mine --video slowfast8x8_r101 --audio beats --out bundle
  egoact export --starter --video slowfast8x8_r50 --audio beats_audioset --out starter
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from edge.errors import UsageError
from edge.new_folder import new_bundle_folder, require_replaceable
from edge.text import printable
from export.export_bundle import Parts, export_bundle
from export.starter import starter_parts
from export.trained import trained_parts


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("checkpoint", nargs="?", type=Path, metavar="CHECKPOINT", help="folder of a trained head")
    add("--out", type=Path, required=True, metavar="BUNDLE", help="folder for the bundle")
    add("--video", metavar="NAME|FILE", help="video backbone (default: the one of the head's features)")
    add("--audio", metavar="NAME|FILE", help="audio backbone (likewise)")
    add("--clips", type=Path, metavar="SOURCE", help="clips to fit the temperature on: what 'egoact train' was given")
    add("--features", type=Path, metavar="DIR", help="their feature store")
    add("--name", metavar="TEXT", help="what the bundle calls itself (default: from the checkpoint)")
    add("--starter", action="store_true", help="no trained head: actions of Kinetics-400, sounds of AudioSet")
    add("--action-names", type=Path, metavar="JSON", help="--starter: another file than the fetched one")
    add("--sound-names", type=Path, metavar="CSV", help="--starter: likewise")
    add("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    add("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Returns 0.

    Raises:
        UsageError: an option is wrong. EgoactError: parts cannot be read or do not fit, or a graph differs.
    """
    _check(args)
    require_replaceable(args.out)

    def log(line: str) -> None:
        print(printable(line), file=sys.stderr, flush=True)

    parts: Parts
    if args.starter:
        parts = starter_parts(args.video, args.audio, args.action_names, args.sound_names, args.name, log)
    else:
        parts = trained_parts(args.checkpoint, args.video, args.audio, args.clips, args.features, args.name, log)
    with new_bundle_folder(args.out) as folder:
        bundle = export_bundle(parts, folder, log, args.threads)
    if args.json:
        print(json.dumps(_summary(bundle, args.out), indent=1))
    else:
        print(printable(f"{args.out}: {bundle.describe()}"))
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.starter == (args.checkpoint is not None):
        raise UsageError("name the folder of a trained head, or give --starter: one of the two")
    if args.starter and (args.clips or args.features):
        raise UsageError("--starter has no head to fit a temperature for: leave out --clips and --features")
    if args.starter and not (args.video and args.audio):
        raise UsageError("--starter: name the backbones, as --video slowfast8x8_r50 --audio beats_audioset")
    if not args.starter and (args.action_names or args.sound_names):
        raise UsageError("--action-names and --sound-names are for --starter; a head brings its labels")
    if args.features and not args.clips:
        raise UsageError("--features: name the clips too, with --clips SOURCE")
    if args.threads is not None and args.threads < 1:
        raise UsageError(f"--threads {args.threads}: must be at least 1")


def _summary(bundle: Any, out: Path) -> dict[str, Any]:
    return {
        "bundle": str(out),
        "name": bundle.provenance["name"],
        "labels": len(bundle.labels),
        "feature_dims": list(vars(bundle.feature_dims).values()),
        "frame_size_px": bundle.window.frame_size_px,
        "temperature": bundle.temperatures["f32"],
        "unknown": bundle.thresholds.unknown,
        "largest_differences": bundle.provenance["largest_differences"],
    }
