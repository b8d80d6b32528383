"""Both CPU engines as plain functions, FP32 asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edge.engines.openvino import OpenVinoEngine

Run = Callable[[dict[str, NDArray]], dict[str, NDArray]]


def run_onnxruntime(graph: Path) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # Its optimiser fuses Q/DQ into integer kernels of other rounding; without it the operators' definitions rule.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_outputs()]
    return lambda feed: dict(zip(names, session.run(names, feed), strict=True))


def run_openvino(graph: Path, precision: str = "int8") -> Run:
    engine = OpenVinoEngine(graph, precision=precision, threads=1)
    return lambda feed: {name: value.copy() for name, value in engine.infer(feed).items()}


def relative_error(found: NDArray, expected: NDArray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
