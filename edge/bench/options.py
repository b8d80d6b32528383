"""What the command line of `egoact bench` asked for, checked."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from edge.errors import UsageError
from edge.telemetry import ENGINE_STAGES

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0}


def duration_s(text: str) -> float:
    """'8h', '30m', '90s' or '90' -> seconds.

    Raises:
        UsageError: none of these.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if found is None or float(found[1]) <= 0:
        raise UsageError(f"{text!r} is no duration: write 8h, 30m or 90s")
    return float(found[1]) * _UNITS_S[found[2] or "s"]


def names(text: str) -> tuple[str, ...]:
    """'f32,int8' -> ('f32', 'int8')"""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def counts(text: str) -> tuple[int, ...]:
    """'1,2' -> (1, 2)

    Raises:
        UsageError: not whole numbers of at least 1.
    """
    parts = names(text)
    if not parts or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f"--threads {text}: write whole numbers such as 2 or 1,2")
    return tuple(int(part) for part in parts)


def delays_ms(asked: Sequence[str]) -> dict[str, float]:
    """['audio=80'] -> {'audio': 80.0}

    Raises:
        UsageError: not ENGINE=MS.
    """
    found = {}
    for text in asked:
        name, _, value = text.partition("=")
        try:
            ms = float(value)
        except ValueError:
            ms = -1.0
        if name not in ENGINE_STAGES or not 0 <= ms < 60_000:
            raise UsageError(
                f"--inject {text}: write ENGINE=MS, such as audio=80; engines are {', '.join(ENGINE_STAGES)}"
            )
        found[name] = ms
    return found


def check_modes(args: argparse.Namespace) -> None:
    """Raises UsageError: options that do not go together."""
    modes = [f"--{name}" for name in ("pipeline", "sweep", "soak") if getattr(args, name)]
    if len(modes) > 1:
        raise UsageError(f"{' and '.join(modes)}: one at a time")
    if args.inject and not args.pipeline:
        raise UsageError("--inject only makes sense with --pipeline")
    if args.pipeline and args.engine:
        raise UsageError("--engine and --pipeline: the pipeline runs all four engines")
    if args.soak and (args.compare or args.picture or args.markdown):
        raise UsageError("--soak knows --json alone")
