"""Reading `bundle.json`: every field is checked for its kind and range before it becomes a `Bundle`."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path
from typing import Any

from edge.bundle import KNOWN_FILES, MANIFEST, SCHEMA_VERSION, Bundle, Choice, FeatureDims, Thresholds
from edge.contract import WindowSpec
from edge.errors import BundleError
from edge.json_text import read_json

MAX_MANIFEST_BYTES = 4 << 20
MOST_LABELS, LONGEST_LABEL = 10_000, 200
MOST_WINDOW_BYTES = 1 << 30
"""Pixels and samples of a live clip: the rings hold a few of them. The paper's is 13 MB."""


def read_manifest(path: Path) -> dict[str, Any]:
    """The JSON object of a bundle directory.

    Raises:
        BundleError: missing, too large, not a JSON object, or of another schema version.
    """
    file = path / MANIFEST
    if not file.is_file():
        raise BundleError(f"{path}: no {MANIFEST} there; give the folder of a bundle with --bundle")
    if file.is_symlink():
        raise BundleError(f"{file}: a link; a bundle holds its own files; copy the whole bundle or export it again")
    try:
        manifest = read_json(file, MAX_MANIFEST_BYTES)
    except (OSError, ValueError) as error:
        raise BundleError(f"{file}: cannot be read as JSON ({error}); export the bundle again") from error
    if not isinstance(manifest, dict):
        raise BundleError(f"{file}: not a JSON object; export the bundle again")
    version = manifest.get("schema_version")
    if version != SCHEMA_VERSION:
        advice = "update egoact" if isinstance(version, int) and version > SCHEMA_VERSION else "export the bundle again"
        raise BundleError(f"{path}: bundle schema version {version!r}, this egoact reads {SCHEMA_VERSION}; {advice}")
    return manifest


def parse_manifest(path: Path, manifest: dict[str, Any]) -> Bundle:
    """A `Bundle` whose values are in range; its files are not looked at.

    Raises:
        BundleError: a field is missing, of the wrong kind, or out of range.
    """
    try:
        bundle = _parse(path, manifest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"{path / MANIFEST}: bad or missing field: {error}; export the bundle again") from error
    _check_values(bundle)
    return bundle


def _parse(path: Path, manifest: dict[str, Any]) -> Bundle:
    window = dict(manifest["window"])
    window["slow_frames"] = tuple(int(i) for i in window["slow_frames"])
    unknown = set(window) - {f.name for f in fields(WindowSpec)}
    if unknown:
        raise ValueError(f"window has unknown fields {sorted(unknown)}")
    background = manifest["background_label"]
    return Bundle(
        path=path,
        labels=tuple(_text(label) for label in manifest["labels"]),
        background_label=None if background is None else _text(background),
        window=WindowSpec(**window),
        feature_dims=FeatureDims(**{k: _positive_int(k, v) for k, v in manifest["feature_dims"].items()}),
        temperatures={str(k): float(v) for k, v in manifest["temperatures"].items()},
        thresholds=Thresholds(**{k: float(v) for k, v in manifest["thresholds"].items()}),
        selection={
            str(backend): {str(engine): _choice(choice) for engine, choice in engines.items()}
            for backend, engines in manifest["selection"].items()
        },
        provenance=dict(manifest["provenance"]),
        sha256={_file_name(name): _text(entry["sha256"]) for name, entry in manifest["files"].items()},
    )


def _choice(fields_: dict[str, Any]) -> Choice:
    return Choice(_text(fields_["precision"]), _text(fields_["reason"]), dict(fields_.get("evidence", {})))


def _file_name(name: str) -> str:
    # A closed list: a name with a path in it never reaches the file system.
    if name not in KNOWN_FILES:
        raise ValueError(f"{name!r} is not a file of a bundle")
    return name


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _positive_int(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 20:
        raise ValueError(f"{name} {value!r} is not a positive whole number")
    return value


def _is_name(label: str) -> bool:
    return bool(label.strip()) and len(label) <= LONGEST_LABEL


def _check_values(bundle: Bundle) -> None:
    problems = []
    if len(bundle.labels) > MOST_LABELS or any(not _is_name(label) for label in bundle.labels):
        problems.append(f"labels must be at most {MOST_LABELS} of 1 to {LONGEST_LABEL} letters each")
    if len(bundle.labels) < 2 or len(set(bundle.labels)) != len(bundle.labels):
        problems.append("labels must be at least two different ones")
    if bundle.background_label is not None and bundle.background_label not in bundle.labels:
        problems.append(f"background label {bundle.background_label!r} is not among the labels")
    for precision, temperature in bundle.temperatures.items():
        if not (math.isfinite(temperature) and temperature > 0):
            problems.append(f"temperature of {precision} is {temperature}")
    for field in fields(Thresholds):
        value = getattr(bundle.thresholds, field.name)
        if not (math.isfinite(value) and value >= 0):
            problems.append(f"threshold {field.name} is {value}")
    if not 0 < bundle.thresholds.smoothing <= 1:
        problems.append(f"threshold smoothing is {bundle.thresholds.smoothing}, it must be above 0 and at most 1")
    spec = bundle.window
    whole = (
        spec.frame_rate_hz,
        spec.row_frames,
        spec.hop_frames,
        spec.clip_rows,
        spec.frame_size_px,
        spec.audio_rate_hz,
    )
    if not all(type(n) is int and 0 < n <= 192_000 for n in whole) or spec.hop_frames > spec.row_frames:
        problems.append("the window's numbers are out of range")
    elif spec.clip_frames * spec.frame_size_px**2 * 3 + 4 * spec.clip_audio_samples > MOST_WINDOW_BYTES:
        problems.append(f"the window takes more than {MOST_WINDOW_BYTES >> 30} GiB")
    elif any(not 0 <= i < spec.row_frames for i in spec.slow_frames):
        problems.append("slow frames lie outside the row")
    if problems:
        raise BundleError(f"{bundle.path / MANIFEST}: {'; '.join(problems)}; export the bundle again")
