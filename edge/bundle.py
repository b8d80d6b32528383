"""The bundle on disk: `bundle.json`, the ONNX graphs, and their flavours. All is checked before anything is loaded.

Format (schema version 2), our own: `schema_version`, `labels`, `background_label`, `window`, `feature_dims`,
`temperatures`, `thresholds`, `selection`, `provenance`, and `files`: name -> {sha256, bytes}.

    video.onnx fbank.onnx audio.onnx head.onnx     FP32; the CPU runs them in FP32 or BF16
    video.int8-cpu.onnx audio.int8-cpu.onnx        Q/DQ, unsigned activations, for OpenVINO
    NAME.f16-trt.onnx NAME.int8-trt.onnx           strongly typed, for TensorRT; int8-trt has symmetric Q/DQ
    video.scales.json audio.scales.json            the activation ranges behind the Q/DQ
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edge.contract import WindowSpec
from edge.errors import BundleError
from edge.onnx_external import has_external_data
from edge.whole_file import why, write_whole_file

SCHEMA_VERSION = 2
MANIFEST = "bundle.json"
GRAPHS = ("video", "fbank", "audio", "head")
FLAVOURS = ("int8-cpu", "f16-trt", "int8-trt")
BASE_FILES = tuple(f"{name}.onnx" for name in GRAPHS)
KNOWN_FILES = (
    *BASE_FILES,
    *(f"{name}.{flavour}.onnx" for name in GRAPHS for flavour in FLAVOURS),
    *(f"{name}.scales.json" for name in GRAPHS),
)
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
    smoothing: float = 0.6
    """Weight of the newest probabilities in the running mean; 1 is no smoothing."""
    jump_cosine: float = 0.5
    """Consecutive motion features less alike than this are a boundary: the running mean starts anew; 0 is never."""
    familiarity: float = 0.0
    """Below this familiarity (`edge.unknown`) the label is shown as unknown; 0 is never."""


@dataclass(frozen=True)
class FeatureDims:
    """Widths of the frozen features: appearance A, motion M, audio D."""

    appearance: int
    motion: int
    audio: int


@dataclass(frozen=True)
class Choice:
    """The precision chosen for one engine on one back end, and why."""

    precision: str
    reason: str
    """One line for people: what was measured and what the gate said."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Per candidate precision: milliseconds, agreement, accuracy loss, cosine, passed."""


@dataclass(frozen=True)
class Bundle:
    """A checked bundle. `graph(name)` gives the path of a graph whose hash was verified."""

    path: Path
    labels: tuple[str, ...]
    background_label: str | None
    window: WindowSpec
    feature_dims: FeatureDims
    temperatures: dict[str, float]
    """By the precision key of `edge.precision`: 'f32', 'int8', 'int8+bf16' (video + audio), 'trt-f16', ..."""
    thresholds: Thresholds
    selection: dict[str, dict[str, Choice]]
    """Back end ('cpu', 'tensorrt') -> engine name -> what evidence chose."""
    provenance: dict[str, Any]
    sha256: dict[str, str]
    """Of every file that the manifest names."""

    def graph(self, name: str, flavour: str | None = None) -> Path:
        """Path of a graph in FP32, or of one of its flavours.

        Raises:
            BundleError: the bundle has no such flavour.
        """
        file = f"{name}.onnx" if flavour is None else f"{name}.{flavour}.onnx"
        if file not in self.sha256:
            raise BundleError(f"{self.path}: has no {file}; make it with `egoact calibrate {self.path} --clips DIR`")
        return self.path / file

    def has(self, name: str, flavour: str) -> bool:
        return f"{name}.{flavour}.onnx" in self.sha256

    def describe(self) -> str:
        """One line for people: what it was trained on, number of labels, short hash."""
        digest = hashlib.sha256("".join(self.sha256[n] for n in sorted(BASE_FILES)).encode()).hexdigest()[:12]
        return f"{self.provenance.get('name', self.path.name)}, {len(self.labels)} labels, sha256 {digest}"


def load_bundle(path: Path) -> Bundle:
    """Read and check a bundle directory.

    Raises:
        BundleError: missing, not JSON, of another schema version, a field missing or of the wrong kind, a file missing
            or changed (its sha256 differs).
    """
    from edge.bundle_manifest import parse_manifest, read_manifest

    bundle = parse_manifest(path, read_manifest(path))
    for name in dict.fromkeys((*BASE_FILES, *bundle.sha256)):
        _check_file(path / name, bundle.sha256.get(name))
    return bundle


def write_bundle(
    path: Path,
    *,
    labels: tuple[str, ...],
    background_label: str | None,
    window: WindowSpec,
    feature_dims: FeatureDims,
    temperatures: Mapping[str, float],
    thresholds: Thresholds,
    provenance: Mapping[str, Any],
    selection: Mapping[str, Mapping[str, Choice]] | None = None,
) -> Bundle:
    """Write `bundle.json` beside the files that already lie in `path`, then load it again as a check.

    Every file of KNOWN_FILES that is there becomes part of the bundle.

    Raises:
        BundleError: a graph is missing or a value is out of range.
    """
    missing = [name for name in BASE_FILES if not (path / name).is_file()]
    if missing:
        raise BundleError(f"{path}: {', '.join(missing)} missing; export the graphs before the manifest")
    present = [name for name in KNOWN_FILES if (path / name).is_file()]
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "labels": list(labels),
        "background_label": background_label,
        "window": asdict(window),
        "feature_dims": asdict(feature_dims),
        "temperatures": dict(temperatures),
        "thresholds": asdict(thresholds),
        "selection": {
            backend: {engine: asdict(choice) for engine, choice in engines.items()}
            for backend, engines in (selection or {}).items()
        },
        "provenance": dict(provenance),
        "files": {name: {"sha256": sha256_of(path / name), "bytes": (path / name).stat().st_size} for name in present},
    }
    try:
        write_whole_file(path / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    except OSError as problem:
        reason = f"cannot be written ({why(problem)}); make room, or copy the bundle to a folder of yours"
        raise BundleError(f"{path / MANIFEST}: {reason}") from problem
    return load_bundle(path)


def rewrite_manifest(
    bundle: Bundle,
    *,
    temperatures: Mapping[str, float] | None = None,
    thresholds: Thresholds | None = None,
    selection: Mapping[str, Mapping[str, Choice]] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Bundle:
    """Write the manifest again with some fields replaced and the files that now lie there; the rest stays.

    Raises:
        BundleError: as `write_bundle`.
    """
    return write_bundle(
        bundle.path,
        labels=bundle.labels,
        background_label=bundle.background_label,
        window=bundle.window,
        feature_dims=bundle.feature_dims,
        temperatures=bundle.temperatures if temperatures is None else temperatures,
        thresholds=thresholds or bundle.thresholds,
        selection=bundle.selection if selection is None else selection,
        provenance=bundle.provenance if provenance is None else provenance,
    )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content in hexadecimal; raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


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
    if file.suffix == ".onnx":
        _refuse_external_data(file)


def _refuse_external_data(file: Path) -> None:
    try:
        outside = has_external_data(file)
    except (OSError, ValueError) as error:
        raise BundleError(f"{file}: not an ONNX graph ({error}); export the bundle again") from error
    if outside:
        raise BundleError(f"{file}: keeps weights in another file, which no checksum covers; export the bundle again")
