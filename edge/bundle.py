"""The bundle on disk: `bundle.json` and the ONNX graphs it names. Everything is checked before anything is loaded.

Format (schema version 1), our own: `schema_version`, `labels`, `background_label`, `window`, `feature_dims`,
`temperatures` (per precision), `thresholds`, `provenance`, and `files`: name -> {sha256, bytes}.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from edge.contract import WindowSpec
from edge.errors import BundleError

SCHEMA_VERSION = 1
MANIFEST = "bundle.json"
GRAPHS = ("video.onnx", "fbank.onnx", "audio.onnx", "head.onnx")
MAX_MANIFEST_BYTES = 4 << 20
SHIPPED = Path(__file__).parent / "assets" / "bundle"
"""The bundle that the wheel carries: trained on the built-in world."""


@dataclass(frozen=True)
class Thresholds:
    """Decision thresholds on calibrated probabilities."""

    on: float = 0.5
    """A segment opens at this smoothed probability ..."""
    off: float = 0.35
    """... and closes when its label falls below this one."""
    unknown: float = 0.3
    """Below this confidence the label is shown as unknown."""
    min_duration_s: float = 0.8
    """Shorter segments are not reported."""


@dataclass(frozen=True)
class FeatureDims:
    """Widths of the frozen features: appearance A, motion M, audio D."""

    appearance: int
    motion: int
    audio: int


@dataclass(frozen=True)
class Bundle:
    """A checked bundle. `graph(name)` gives the path of a graph whose hash was verified."""

    path: Path
    labels: tuple[str, ...]
    background_label: str | None
    window: WindowSpec
    feature_dims: FeatureDims
    temperatures: dict[str, float]
    thresholds: Thresholds
    provenance: dict[str, Any]
    sha256: dict[str, str]

    def graph(self, name: str) -> Path:
        return self.path / f"{name}.onnx"

    def describe(self) -> str:
        """One line for people: what it was trained on, number of labels, short hash."""
        digest = hashlib.sha256("".join(self.sha256[n] for n in sorted(self.sha256)).encode()).hexdigest()[:12]
        return f"{self.provenance.get('name', self.path.name)}, {len(self.labels)} labels, sha256 {digest}"


def load_bundle(path: Path) -> Bundle:
    """Read and check a bundle directory.

    Raises:
        BundleError: missing, not JSON, of another schema version, a field missing or of the wrong kind, a file missing
            or changed (its sha256 differs).
    """
    manifest = _read_manifest(path)
    version = manifest.get("schema_version")
    if version != SCHEMA_VERSION:
        advice = "update egoact" if isinstance(version, int) and version > SCHEMA_VERSION else "export the bundle again"
        raise BundleError(f"{path}: bundle schema version {version!r}, this egoact reads {SCHEMA_VERSION}; {advice}")
    try:
        bundle = _parse(path, manifest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"{path / MANIFEST}: bad or missing field: {error}; export the bundle again") from error
    _check_values(bundle)
    for name in GRAPHS:
        _check_file(path / name, bundle.sha256.get(name))
    return bundle


def write_bundle(
    path: Path,
    *,
    labels: tuple[str, ...],
    background_label: str | None,
    window: WindowSpec,
    feature_dims: FeatureDims,
    temperatures: dict[str, float],
    thresholds: Thresholds,
    provenance: dict[str, Any],
) -> Bundle:
    """Write `bundle.json` beside the graphs that already lie in `path`, then load it again as a check.

    Raises:
        BundleError: a graph is missing or a value is out of range.
    """
    missing = [name for name in GRAPHS if not (path / name).is_file()]
    if missing:
        raise BundleError(f"{path}: {', '.join(missing)} missing; export the graphs before the manifest")
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "labels": list(labels),
        "background_label": background_label,
        "window": asdict(window),
        "feature_dims": asdict(feature_dims),
        "temperatures": temperatures,
        "thresholds": asdict(thresholds),
        "provenance": provenance,
        "files": {name: {"sha256": sha256_of(path / name), "bytes": (path / name).stat().st_size} for name in GRAPHS},
    }
    temporary = path / (MANIFEST + ".tmp")
    temporary.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(temporary, path / MANIFEST)
    return load_bundle(path)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _read_manifest(path: Path) -> dict[str, Any]:
    file = path / MANIFEST
    if not file.is_file():
        raise BundleError(f"{path}: no {MANIFEST} there; give the folder of a bundle with --bundle")
    if file.stat().st_size > MAX_MANIFEST_BYTES:
        raise BundleError(
            f"{file}: larger than {MAX_MANIFEST_BYTES >> 20} MiB, not a manifest; export the bundle again"
        )
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(
            f"{file}: cannot be read as JSON ({type(error).__name__}); export the bundle again"
        ) from error
    if not isinstance(manifest, dict):
        raise BundleError(f"{file}: not a JSON object; export the bundle again")
    return manifest


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
        provenance=dict(manifest["provenance"]),
        sha256={name: _text(entry["sha256"]) for name, entry in manifest["files"].items()},
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _positive_int(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 20:
        raise ValueError(f"{name} {value!r} is not a positive whole number")
    return value


def _check_values(bundle: Bundle) -> None:
    problems = []
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
    spec = bundle.window
    whole = (
        spec.frame_rate_hz,
        spec.row_frames,
        spec.hop_frames,
        spec.clip_rows,
        spec.frame_size_px,
        spec.audio_rate_hz,
    )
    if not all(isinstance(n, int) and 0 < n <= 192_000 for n in whole) or spec.hop_frames > spec.row_frames:
        problems.append("the window's numbers are out of range")
    elif any(not 0 <= i < spec.row_frames for i in spec.slow_frames):
        problems.append("slow frames lie outside the row")
    if problems:
        raise BundleError(f"{bundle.path / MANIFEST}: {'; '.join(problems)}; export the bundle again")


def _check_file(file: Path, expected: str | None) -> None:
    if expected is None:
        raise BundleError(f"{file.parent / MANIFEST}: no sha256 of {file.name}; export the bundle again")
    if file.is_symlink() or not file.is_file():
        raise BundleError(f"{file}: missing (or a link); copy the whole bundle or export it again")
    actual = sha256_of(file)
    if actual != expected:
        raise BundleError(
            f"{file}: sha256 is {actual[:12]}..., the manifest says {expected[:12]}...; "
            "the file was changed or damaged, copy the bundle again"
        )
