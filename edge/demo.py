"""Replay the built-in clip at real pace, with its annotation.

The clip is of a scenario and a location that training never saw. In a terminal it shows the user interface; otherwise,
or with --plain, one line a segment. It closes with the accuracy, the label age and the account of frames.

example:
  egoact demo --plain
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge.replay import ReplayOptions, replay

DEMO = Path(__file__).parent / "assets" / "demo"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    parser.add_argument("--plain", action="store_true", help="plain lines also in a terminal")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write a report with a timeline picture")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code. What a user can mend is raised as an EgoactError."""
    terminal = sys.stdout.isatty() and sys.stdin.isatty() and not args.plain
    clips = tuple(sorted(DEMO.glob("*.mp4")))
    return replay(
        ReplayOptions(
            clips=clips, annotations=DEMO / "annotations.csv", pace="realtime", tui=terminal, report=args.report
        )
    )
