"""Render the built-in world: labelled first-person clips with sound, the same for the same seed on the same machine.

Writes DIR/videos/*.mp4 (H.264 and AAC), annotations.csv, sounds.csv and videos.csv. Videos that are already there are
kept, so that an interrupted run goes on where it stopped.

example:
  egoact world --out world --videos-per-domain 2 --seed 1 --workers 2
  egoact world --out kitchen --domain Cooking/Tokyo --domain Cooking/Bristol --duration-s 30
"""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.errors import EgoactError, UsageError
from edge.whole_file import why
from trainer.data.world.domains import DOMAINS, Domain
from trainer.data.world.script import SHORTEST_VIDEO_S
from trainer.data.world.write import write_world


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    add("--videos-per-domain", type=int, default=1, metavar="N", help="videos of each domain (default: 1)")
    add("--duration-s", type=float, default=60.0, metavar="S", help="length of a video in seconds (default: 60)")
    add("--seed", type=int, default=1, help="same seed, same world (default: 1)")
    add("--workers", type=int, default=2, metavar="N", help="processes (default: 2)")
    add(
        "--domain",
        action="append",
        metavar="SCENARIO/LOCATION",
        help=f"only this one; repeatable (default: all {len(DOMAINS)})",
    )


def run(args: argparse.Namespace) -> int:
    """Returns 0.

    Raises:
        UsageError: an option is out of range or names no domain.
        EgoactError: the folder cannot be written.
    """
    for option, value, least in (
        ("--videos-per-domain", args.videos_per_domain, 1),
        ("--duration-s", args.duration_s, SHORTEST_VIDEO_S),
        ("--workers", args.workers, 1),
        ("--seed", args.seed, 0),
    ):
        if not value >= least:
            raise UsageError(f"{option} {value:g}: must be at least {least:g}")
    domains = [_domain(text) for text in args.domain] if args.domain else None
    try:
        write_world(
            args.out,
            seed=args.seed,
            videos_per_domain=args.videos_per_domain,
            duration_s=args.duration_s,
            domains=domains,
            workers=args.workers,
        )
    except OSError as error:
        raise EgoactError(
            f"{args.out}: cannot be written ({why(error)}); make room and give the command again: it goes on"
        ) from error
    return 0


def _domain(text: str) -> Domain:
    scenario, _, location = text.partition("/")
    if (scenario, location) not in DOMAINS:
        raise UsageError(f"--domain {text}: there is no such domain; one is {'/'.join(DOMAINS[0])}")
    return scenario, location
