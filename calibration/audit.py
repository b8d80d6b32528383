"""Which layers INT8 hurts: leave one in FP32, measure the outputs again, rank by what that takes away.

Rounding errors of different layers are nearly independent, so their noise powers nearly add: a layer's share is the
part of the output's noise power that goes when this layer alone stays FP32.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.errors import CalibrationError
from calibration.gate import Verdict, overall
from calibration.qdq import quantise
from calibration.scales import Scales
from edge.compare.difference import MIN_WINDOWS, tensor_difference
from edge.engines.base import Tensors
from edge.engines.openvino import OpenVinoEngine
from edge.scratch import scratch_folder

CPU = "int8-cpu"


@dataclass(frozen=True)
class Sensitivity:
    """What one product costs when it runs on eight bits."""

    node: str
    share: float
    """Of the noise power of the outputs (1 = all of it; below 0: its error cancels others')."""
    noise: float
    """Noise to signal of the outputs that is left when this product stays FP32."""


@dataclass(frozen=True)
class GroupChange:
    """What INT8 changed among the windows of one class or one domain."""

    name: str
    windows: int
    agreement: float
    accuracy_before: float
    accuracy_after: float


def sensitivities(
    graph: Path,
    scales: Scales,
    windows: Sequence[Tensors],
    *,
    threads: int,
    exclude: Collection[str] = (),
    progress: Callable[[str], None] = lambda line: None,
) -> list[Sensitivity]:
    """Leave every quantised product in FP32 once, on the CPU flavour; the worst stands first.

    Args:
        graph: FP32 ONNX.
        scales: its ranges.
        windows: inputs of the graph; a handful is enough, because noise is averaged over all values of the outputs.
        exclude: products that stay FP32 anyway.

    Raises:
        CalibrationError: fewer than two windows, or nothing is quantised.
    """
    if len(windows) < MIN_WINDOWS:
        raise CalibrationError(
            f"{graph}: the audit needs at least {MIN_WINDOWS} windows; give longer clips with --clips"
        )
    reference = _outputs(graph, "f32", windows, threads)
    with scratch_folder() as folder:
        variant = folder / graph.name

        def noise_without(nodes: Collection[str]) -> tuple[float, tuple[str, ...]]:
            report = quantise(graph, scales, variant, flavour=CPU, exclude=nodes)
            return _noise(reference, _outputs(variant, "int8", windows, threads)), report.quantised

        everything, nodes = noise_without(exclude)
        if not nodes:
            raise CalibrationError(f"{graph}: no product of this graph is quantised, so there is nothing to audit")
        found = []
        for number, node in enumerate(nodes):
            progress(f"audit of {graph.stem}: layer {number + 1} of {len(nodes)}")
            left, _ = noise_without((*exclude, node))
            share = 1 - (left / everything) ** 2 if everything > 0 else 0.0
            found.append(Sensitivity(node, share, left))
    return sorted(found, key=lambda s: -s.share)


def smallest_exclusion(
    ranked: Sequence[str], judge: Callable[[tuple[str, ...]], Verdict]
) -> tuple[tuple[str, ...], Verdict]:
    """The shortest run of the ranked products, worst first, that must stay FP32 for the gate to pass.

    Doubles until the gate passes, then bisects: about 2 log2(n) judgements.

    Returns:
        The excluded products and the gate's word on them; all products when the gate never passes.
    """
    verdict = judge(())
    failed, size = 0, 0
    while not verdict.passed and size < len(ranked):
        failed, size = size, min(max(1, 2 * size), len(ranked))
        verdict = judge(tuple(ranked[:size]))
    while verdict.passed and size - failed > 1:
        middle = (failed + size) // 2
        attempt = judge(tuple(ranked[:middle]))
        if attempt.passed:
            size, verdict = middle, attempt
        else:
            failed = middle
    return tuple(ranked[:size]), verdict


def changes(
    reference: NDArray[np.floating], candidate: NDArray[np.floating], labels: NDArray[np.integer], groups: Sequence[str]
) -> list[GroupChange]:
    """What changed by group, the largest loss first; windows without annotation are left out.

    Args:
        reference, candidate: logits float [N, 3 modes, K].
        labels: int [N], -1 where nothing is annotated.
        groups: name of each window's class or domain.
    """
    a, b, names = overall(reference), overall(candidate), np.asarray(groups)
    found = []
    for name in sorted(set(groups)):
        chosen = (names == name) & (labels >= 0)
        if chosen.any():
            before, after = ((top[chosen] == labels[chosen]).mean() for top in (a, b))
            agreement = float((a[chosen] == b[chosen]).mean())
            found.append(GroupChange(name, int(chosen.sum()), agreement, float(before), float(after)))
    return sorted(found, key=lambda change: (change.accuracy_after - change.accuracy_before, change.agreement))


def _outputs(graph: Path, precision: str, windows: Sequence[Tensors], threads: int) -> dict[str, NDArray[np.float32]]:
    engine = OpenVinoEngine(graph, precision=precision, threads=threads)
    try:
        rows = [{name: values[0].copy() for name, values in engine.infer(window).items()} for window in windows]
    finally:
        engine.close()
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _noise(reference: Mapping[str, NDArray], other: Mapping[str, NDArray]) -> float:
    """Root mean square over the outputs of noise to signal, so that each output counts the same."""
    ratios = [tensor_difference(name, reference[name], other[name]).relative_l2 for name in reference]
    return float(np.sqrt(np.mean(np.square(ratios))))
