"""The tiny bundle with products that can be calibrated: its video and audio features pass through three matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edge.bundle import Bundle, Thresholds, write_bundle
from tests.tiny_bundle import DIMS, LABELS, SPEC, make_bundle

WIDTH = 64
"""Wide enough for INT8 to be of use."""


def make_product_bundle(path: Path) -> Bundle:
    make_bundle(path)
    _multiply(path / "video.onnx", "appearance", DIMS.appearance)
    _multiply(path / "audio.onnx", "audio", DIMS.audio)
    return write_bundle(
        path,
        labels=LABELS,
        background_label="idle",
        window=SPEC,
        feature_dims=DIMS,
        temperatures={"f32": 1.0},
        thresholds=Thresholds(),
        provenance={"name": "products"},
    )


def _multiply(graph: Path, output: str, width: int) -> None:
    model = onnx.load(graph)
    for node in model.graph.node:
        node.output[:] = [f"{name}_0" if name == output else name for name in node.output]
    rng = np.random.default_rng(0)
    for number, shape in enumerate(((width, WIDTH), (WIDTH, WIDTH), (WIDTH, width))):
        weight = (rng.random(shape) / shape[0]).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(weight, f"w{number}"))
        given, made = f"{output}_{number}", output if number == 2 else f"{output}_{number + 1}"
        model.graph.node.append(helper.make_node("MatMul", [given, f"w{number}"], [made], f"product{number}"))
    onnx.checker.check_model(model)
    onnx.save(model, str(graph))
