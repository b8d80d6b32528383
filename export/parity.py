"""Proof that a graph computes what its PyTorch module computes, in every engine that may run it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino
import torch
from torch import nn

Inputs = Mapping[str, npt.NDArray]
Run = Callable[[Inputs], dict[str, npt.NDArray]]


@dataclass(frozen=True)
class Difference:
    """How far one engine's output is from PyTorch's, over all given inputs.

    `relative` is `max_abs` as a share of the reference's largest value (but not of less than 1e-3).
    `centred_cosine` is the lowest cosine of an output with its reference after the reference's mean over the inputs was
    taken from both: features share a large mean, and the plain cosine flatters them. nan for fewer than two inputs.
    """

    engine: str
    output: str
    max_abs: float
    relative: float
    centred_cosine: float


def compare(net: nn.Module, path: Path, inputs: Sequence[Inputs]) -> list[Difference]:
    """Run a module and its exported graph on the same inputs, in OpenVINO and, where installed, ONNX Runtime (float32).

    Args:
        net: the exported module, called in evaluation mode with the inputs in the graph's order.
        path: ONNX file.
        inputs: one mapping from input name to array a run.

    Returns:
        One difference an engine and output.
    """
    engines = {"openvino": _openvino(path)}
    if find_spec("onnxruntime") is not None:  # a development dependency: an export does without it
        engines["onnxruntime"] = _onnxruntime(path)
    results = {name: [run(feed) for feed in inputs] for name, run in engines.items()}
    output_names = list(results["openvino"][0])
    references = [_torch(net, feed, output_names) for feed in inputs]
    return [
        _difference(engine, name, [r[name] for r in references], [r[name] for r in runs])
        for engine, runs in results.items()
        for name in output_names
    ]


def _torch(net: nn.Module, feed: Inputs, output_names: Sequence[str]) -> dict[str, npt.NDArray]:
    net = copy.deepcopy(net).cpu().eval()
    with torch.inference_mode():
        outputs = net(*(torch.from_numpy(array) for array in feed.values()))
    if isinstance(outputs, torch.Tensor):
        outputs = (outputs,)
    return {name: output.numpy() for name, output in zip(output_names, outputs, strict=True)}


def _onnxruntime(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda feed: dict(zip(names, session.run(names, dict(feed)), strict=True))


def _openvino(path: Path) -> Run:
    core = openvino.Core()
    model = core.read_model(path)
    names = [output.any_name for output in model.outputs]
    # Without the hint OpenVINO computes in bfloat16 on processors that have it.
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(feed: Inputs) -> dict[str, npt.NDArray]:
        outputs = compiled(dict(feed))
        return {name: outputs[name].copy() for name in names}

    return run


def _difference(
    engine: str, output: str, references: Sequence[npt.NDArray], results: Sequence[npt.NDArray]
) -> Difference:
    reference = np.stack([array.ravel() for array in references]).astype(np.float64)
    result = np.stack([array.ravel() for array in results]).astype(np.float64)
    mean = reference.mean(axis=0)
    max_abs = float(np.abs(result - reference).max())
    return Difference(
        engine=engine,
        output=output,
        max_abs=max_abs,
        relative=max_abs / max(1e-3, float(np.abs(reference).max())),
        centred_cosine=_lowest_cosine(result - mean, reference - mean),
    )


def _lowest_cosine(a: npt.NDArray, b: npt.NDArray) -> float:
    if len(a) < 2:
        return float("nan")
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / norms).min())
