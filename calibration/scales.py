"""The scales file: the activation ranges behind a graph's Q/DQ nodes, readable and reusable.

`NAME.scales.json`, format of our own, schema version 1:

    schema_version      1
    graph_sha256        of the FP32 graph that the ranges belong to
    method              minmax, percentile or entropy
    clips, windows      how many clips and windows were seen
    data_sha256         of the windows, in order
    weights             how weight scales follow from the graph: they are not stored
    tensors             name -> {minimum, maximum: seen; low, high: range for u8; threshold: magnitude for s8}
    skipped             product -> why it stays FP32 in every flavour
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calibration.errors import MEASURE_AGAIN, CalibrationError
from calibration.observers import METHODS, ValueRange
from edge.bundle import sha256_of
from edge.json_text import read_json
from edge.whole_file import write_whole_file

SCHEMA_VERSION = 1
WEIGHTS = "int8, symmetric, one scale an output channel: max|w| / 127, rounded up to FP16"


@dataclass(frozen=True)
class Scales:
    """Ranges of the activations of one graph."""

    graph_sha256: str
    method: str
    windows: int
    data_sha256: str
    tensors: dict[str, ValueRange]
    skipped: dict[str, str]
    """Products that stay FP32 in every flavour, with the reason."""
    clips: int = 0
    """How many different clips the windows came from; 0 when the caller did not say."""
    weights: str = field(default=WEIGHTS)


def save_scales(path: Path, scales: Scales) -> None:
    """Write the file; it appears whole or not at all."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "graph_sha256": scales.graph_sha256,
        "method": scales.method,
        "clips": scales.clips,
        "windows": scales.windows,
        "data_sha256": scales.data_sha256,
        "weights": scales.weights,
        "tensors": {name: value._asdict() for name, value in scales.tensors.items()},
        "skipped": scales.skipped,
    }
    write_whole_file(path, json.dumps(content, indent=1) + "\n")


def load_scales(path: Path, graph: Path) -> Scales:
    """Read a scales file that belongs to `graph`.

    Raises:
        CalibrationError: the file cannot be read, a field is missing or wrong, or it belongs to another graph.
    """
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise _refused(path, f"cannot be read as JSON ({error})") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise _refused(path, f"schema_version is {version!r}, this egoact reads {SCHEMA_VERSION}")
    try:
        scales = _parse(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _refused(path, f"bad or missing field: {error}") from error
    check_scales(scales, graph, str(path))
    return scales


def check_scales(scales: Scales, graph: Path, origin: str = "scales") -> None:
    """Compare scales with the graph that they are to be used on.

    Raises:
        CalibrationError: they belong to another graph.
    """
    actual = sha256_of(graph)
    if scales.graph_sha256 != actual:
        raise CalibrationError(
            f"{origin}: graph_sha256 is {scales.graph_sha256[:12]}..., {graph.name} has {actual[:12]}...: the ranges "
            f"of another model; {MEASURE_AGAIN}"
        )


def _parse(content: dict[str, Any]) -> Scales:
    method = str(content["method"])
    if method not in METHODS:
        raise ValueError(f"method {method!r} is not one of {', '.join(METHODS)}")
    return Scales(
        graph_sha256=str(content["graph_sha256"]),
        method=method,
        windows=int(content["windows"]),
        data_sha256=str(content["data_sha256"]),
        tensors={str(name): _range(name, fields) for name, fields in content["tensors"].items()},
        skipped={str(name): str(reason) for name, reason in content["skipped"].items()},
        clips=int(content["clips"]),
        weights=str(content["weights"]),
    )


def _range(name: str, fields: dict[str, Any]) -> ValueRange:
    value = ValueRange(**{key: float(number) for key, number in fields.items()})
    if not all(map(math.isfinite, value)) or value.low > 0 or value.high < 0 or value.threshold < 0:
        raise ValueError(f"range of {name} is {tuple(value)}")
    return value


def _refused(path: Path, reason: str) -> CalibrationError:
    return CalibrationError(f"{path}: {reason}; {MEASURE_AGAIN}")
