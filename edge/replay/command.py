"""Replay recorded clips: labels, segments, accuracy against an annotation, a report.

A clip passes through the same rings, windows, engines and decisions as a live camera and microphone; only the source
differs. Without an annotation it prints the segments that it found. With --report, results are kept in its folder: the
same command again does only what is missing or has changed. A saved moment's folder is replayed and compared.

example:
  egoact replay clips/*.mp4 --annotations clips.csv --precision f32,int8 --report runs/report

Annotations are our CSV (video,start_s,end_s,label; `video` is the clip's file name), EPIC-KITCHENS-100's CSV, or
Ego4D's narrations or moments JSON (clips named VIDEO_ID.mp4). --label-map is a CSV with the columns from,to.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.bundle import SHIPPED
from edge.engines.start import BACKEND_CHOICES
from edge.precision import AUTO
from edge.replay.options import ReplayOptions
from edge.replay.run import replay


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("clips", nargs="+", type=Path, metavar="CLIP", help="a video file with or without sound, or a folder of them")
    add("--bundle", type=Path, default=SHIPPED, metavar="DIR", help="the model (default: the one that is built in)")
    add("--annotations", type=Path, metavar="FILE", help="score against this annotation (CSV or JSON, see above)")
    add("--label-map", type=Path, metavar="CSV", help="which words of the annotation mean which label")
    add("--pace", choices=("realtime", "fast"), help="real pace, or as fast as it goes (default; realtime with --tui)")
    add("--tui", action="store_true", help="show it in the terminal user interface")
    add(
        "--precision",
        default=AUTO,
        metavar="P[,P]",
        help="f32, bf16, int8, VIDEO+AUDIO such as int8+bf16, or auto: what the bundle's evidence chose (default); "
        "several, with commas, are compared side by side",
    )
    add("--backend", choices=BACKEND_CHOICES, default=AUTO, help="auto: TensorRT where its plans are (default)")
    add("--threads", type=int, metavar="N", help="processor threads of the engines (default: all cores)")
    add(
        "--label-age-ms",
        type=float,
        metavar="MS",
        help="age of a label on the device, for the streaming score (default: measured, or from the stage times)",
    )
    add("--jsonl", type=Path, metavar="FILE", help="write every prediction and segment, one JSON object a line")
    add("--report", type=Path, metavar="DIR", help="write report.html, report.md, report.json and timelines")
    add("--export", type=Path, metavar="DIR", help="write segments.csv, and WebVTT subtitles and ELAN files a clip")
    add("--json", action="store_true", help="print one JSON object at the end and nothing else")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code. What a user can mend is raised as an EgoactError."""
    given = vars(args)
    given["precisions"] = tuple(dict.fromkeys(p.strip() for p in given.pop("precision").split(",")))
    given["pace"] = args.pace or ("realtime" if args.tui else "fast")
    return replay(ReplayOptions(**{**given, "clips": tuple(args.clips)}, resume=True))
