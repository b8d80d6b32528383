"""`python -m trainer.data.world`: render the built-in world into a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from trainer.data.world.domains import DOMAINS, LOCATION_BY_NAME, SCENARIO_BY_NAME, Domain
from trainer.data.world.write import write_world


def _domain(text: str) -> Domain:
    scenario, _, location = text.partition("/")
    if scenario not in SCENARIO_BY_NAME or location not in LOCATION_BY_NAME:
        raise argparse.ArgumentTypeError(f"{text!r} is not a domain; give SCENARIO/LOCATION, for example Cooking/Tokyo")
    return scenario, location


def main() -> None:
    """Parse the command line and render."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.data.world",
        description="Render labelled first-person clips with sound: videos/*.mp4, annotations.csv, sounds.csv, ...",
        epilog="example: python -m trainer.data.world --out world --videos-per-domain 2 --seed 1 --workers 2",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to; finished videos in it are kept")
    parser.add_argument("--videos-per-domain", type=int, default=1, help="videos of each domain (default 1)")
    parser.add_argument(
        "--duration-s", type=float, default=60.0, help="length of a video in seconds, at least 5 (default 60)"
    )
    parser.add_argument("--seed", type=int, default=1, help="same seed, same world (default 1)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    parser.add_argument(
        "--domain",
        type=_domain,
        action="append",
        metavar="SCENARIO/LOCATION",
        help=f"only this domain; may be given again (default: all {len(DOMAINS)})",
    )
    args = parser.parse_args()
    if args.duration_s < 5:
        parser.error("--duration-s must be at least 5")
    if args.videos_per_domain < 1:
        parser.error("--videos-per-domain must be at least 1")
    write_world(
        args.out,
        seed=args.seed,
        videos_per_domain=args.videos_per_domain,
        duration_s=args.duration_s,
        domains=args.domain,
        workers=args.workers,
    )


if __name__ == "__main__":
    main()
