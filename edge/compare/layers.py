"""Two graphs layer by layer: every tensor that both name the same way, in the order of the first graph.

Quantised files keep the tensor names of the FP32 graph, so what INT8 does to each layer can be read off here. OpenVINO
runs both; TensorRT plans have no inner tensors to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.compare.difference import TensorDifference, tensor_difference
from edge.engines.base import Tensors
from edge.engines.openvino import PRECISION_HINTS
from edge.errors import EngineError

LAYER_KINDS = frozenset({"Convolution", "MatMul", "Add", "Relu", "Gelu", "Softmax", "MVN", "Concat", "ReduceMean"})
SAMPLED_VALUES = 4096
"""Values kept of each tensor of each window: evenly spaced, so that memory stays small for maps of millions."""


def layer_differences(
    graphs: tuple[Path, Path],
    precisions: tuple[str, str],
    windows: Iterable[Tensors],
    *,
    threads: int | None = None,
    group: int = 40,
) -> list[TensorDifference]:
    """Run both graphs over the windows with their inner tensors exposed.

    Args:
        windows: inputs of the graph, one mapping a run; iterated once.
        group: layers exposed at a time, which bounds memory.

    Raises:
        EngineError: the graphs share no layer.
    """
    feeds = list(windows)
    names = _shared_layers(graphs)
    if not names:
        raise EngineError(f"{graphs[0]} and {graphs[1]}: no layer has the same name in both")
    found = []
    for start in range(0, len(names), group):
        chosen = names[start : start + group]
        first, second = (_run(g, p, chosen, feeds, threads) for g, p in zip(graphs, precisions, strict=True))
        found += [tensor_difference(name, first[name], second[name]) for name in chosen]
    return found


def _shared_layers(graphs: tuple[Path, Path]) -> list[str]:
    import openvino

    first, second = (openvino.Core().read_model(str(graph)) for graph in graphs)
    known = {name for op in second.get_ordered_ops() for output in op.outputs() for name in output.get_names()}
    names = []
    for op in first.get_ordered_ops():
        if op.get_type_name() in LAYER_KINDS:
            names += [name for name in sorted(op.output(0).get_names())[:1] if name in known]
    return names


def _run(
    graph: Path, precision: str, names: Sequence[str], feeds: Sequence[Tensors], threads: int | None
) -> dict[str, NDArray[np.float32]]:
    import openvino

    core = openvino.Core()
    model = core.read_model(str(graph))
    exposed = {output.get_any_name() for output in model.outputs}
    model.add_outputs([name for name in names if name not in exposed])
    config = {"INFERENCE_PRECISION_HINT": PRECISION_HINTS[precision], "INFERENCE_NUM_THREADS": threads or 0}
    compiled = core.compile_model(model, "CPU", config)
    kept: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    for feed in feeds:
        outputs = compiled(feed)
        for name in names:
            kept[name].append(_sample(outputs[name]))
    return {name: np.stack(rows) for name, rows in kept.items()}


def _sample(values: NDArray) -> NDArray[np.float32]:
    flat = np.asarray(values, np.float32).ravel()
    return flat[:: max(1, len(flat) // SAMPLED_VALUES)].copy()
