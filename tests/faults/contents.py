"""What two runs of a command must have alike: every byte that they wrote, but for what a clock gave."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ANSWERS = ("ratings.jsonl", "captions.jsonl")
"""In the order in which answers came."""
MEASURED = {
    "selection": "a calibration times what it may choose",
    "calibration": "likewise",
    "streaming_share": "depends on the measured age of labels",
    "label_age_ms": "",
    "stage_ms": "",
    "telemetry": "rates, times and memory",
    "clips_per_s": "",
}
"""Fields of JSON that no two runs have alike."""
MEASURED_WORDS = re.compile(
    rb"label age p\d+[^\n]*|Stages \(median ms\)[^\n]*|replayed as fast as possible[^\n]*|<ANNOTATION_DOCUMENT [^\n]*"
    rb"|<MEDIA_DESCRIPTOR [^\n]*"
)
"""Of reports; in ELAN's files the date, and the way from there to the clip."""


def contents(folder: Path) -> dict[str, Any]:
    """By file; TensorBoard's files and locks are left out."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and "tensorboard" not in name and path.suffix != ".lock":
            found[name] = KINDS.get(path.suffix, Path.read_bytes)(path)
    return found


def _json(path: Path) -> Any:
    return _without_measured(json.loads(path.read_bytes()))


def _json_lines(path: Path) -> Any:
    lines = path.read_bytes().splitlines(keepends=True)
    return sorted(lines) if path.name in ANSWERS else [_without_measured(json.loads(line)) for line in lines]


def _arrays(path: Path) -> Any:
    with np.load(path) as held:
        facts = _without_measured(json.loads(bytes(held["facts"])))
        emitted = held["times"].shape[1] - 1
        other = {name: held[name].tobytes() for name in held.files if name not in ("facts", "times", "stage_ms")}
        return {**other, "facts": facts, "times": held["times"][:, :emitted].tolist()}


def _text(path: Path) -> Any:
    return MEASURED_WORDS.sub(b"", path.read_bytes())


def _without_measured(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_measured(inner) for name, inner in value.items() if name not in MEASURED}
    return [_without_measured(inner) for inner in value] if isinstance(value, list) else value


KINDS: dict[str, Callable[[Path], Any]] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".npz": _arrays,
    ".md": _text,
    ".html": _text,
    ".eaf": _text,
}
