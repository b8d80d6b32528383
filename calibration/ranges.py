"""Activation ranges: the FP32 graph runs on real windows, and every tensor that will be rounded is watched.

Memory stays bounded: one window at a time, the tensors of the graph in groups, one histogram a tensor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
from numpy.typing import NDArray

from calibration.errors import CalibrationError
from calibration.histogram import Histogram
from calibration.observers import observe
from calibration.quant_plan import FLAVOURS, QuantPlan, plan_quantisation
from calibration.scales import Scales
from edge.bundle import sha256_of

GROUP_BYTES = 2 << 30
"""Size of the tensors that one run of the graph watches; more are watched by further runs of its first part. SlowFast
R101 at 256 px fits one run: smaller groups cost more in copies of the weights than they save."""


@dataclass(frozen=True)
class Statistics:
    """What was seen of one graph's activations; serves every method."""

    graph_sha256: str
    histograms: dict[str, Histogram]
    """By tensor; tensors that share one range share one histogram."""
    skipped: dict[str, str]
    windows: int
    data_sha256: str

    def scales(self, method: str, clips: int = 0) -> Scales:
        """Ranges by 'minmax', 'percentile' or 'entropy'.

        Raises:
            CalibrationError: an unknown method.
        """
        return Scales(
            graph_sha256=self.graph_sha256,
            method=method,
            windows=self.windows,
            data_sha256=self.data_sha256,
            tensors={tensor: observe(histogram, method) for tensor, histogram in self.histograms.items()},
            skipped=self.skipped,
            clips=clips,
        )


def collect_ranges(
    graph: Path, windows: Iterable[Mapping[str, NDArray]], *, method: str, threads: int, clips: int = 0
) -> Scales:
    """`collect_statistics` and one method."""
    return collect_statistics(graph, windows, threads=threads).scales(method, clips)


def collect_statistics(graph: Path, windows: Iterable[Mapping[str, NDArray]], *, threads: int) -> Statistics:
    """Watch the tensors that any flavour rounds.

    Args:
        graph: FP32 ONNX with static shapes.
        windows: the graph's inputs, real ones, see `calibration.windows`; read once, one at a time.
        threads: of OpenVINO.

    Raises:
        CalibrationError: there is no window, a window does not fit the graph, an activation is not finite, or the
            graph must stay FP32.
    """
    plans = _plans(graph)
    tensors = list(dict.fromkeys(tensor for plan in plans for tensor in plan.tensors))
    skipped = {k: v for k, v in plans[0].skipped.items() if all(k in plan.skipped for plan in plans)}
    histograms = {tensor: Histogram() for tensor in tensors}
    digest, count = hashlib.sha256(), 0
    watchers = _watchers(graph, tensors, threads)
    for window in windows:
        _hash_window(digest, window)
        for watcher in watchers:
            for tensor, values in watcher.run(window):
                try:
                    histograms[tensor].add(values)
                except ValueError as error:
                    raise _bad_activation(graph, tensor, error) from error
        count += 1
    if not count:
        raise CalibrationError(f"{graph}: no window to measure ranges on; give clips with --clips DIR")
    for plan in plans:
        for group in plan.shared:
            _unite(histograms, group)
    return Statistics(sha256_of(graph), histograms, skipped, count, digest.hexdigest())


def _plans(graph: Path) -> list[QuantPlan]:
    model = onnx.load(graph)
    return [plan_quantisation(model.graph, flavour) for flavour in FLAVOURS]


def _bad_activation(graph: Path, tensor: str, error: ValueError) -> CalibrationError:
    return CalibrationError(f"{graph}: activation {tensor} has {error}; export the model again")


def _hash_window(digest: Any, window: Mapping[str, NDArray]) -> None:
    for name in sorted(window):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(window[name]).data)


def _unite(histograms: dict[str, Histogram], group: Iterable[str]) -> None:
    union = Histogram()
    for histogram in {id(h): h for h in (histograms[tensor] for tensor in group)}.values():
        union.merge(histogram)
    members = {id(histograms[tensor]) for tensor in group}
    for tensor, histogram in histograms.items():
        if id(histogram) in members:
            histograms[tensor] = union


class _Watcher:
    """A graph compiled for the CPU in FP32 whose outputs are some of its inner tensors."""

    def __init__(self, graph: Path, tensors: Sequence[str], threads: int) -> None:
        core = openvino.Core()
        model = core.read_model(graph)
        ports = model.add_outputs(list(tensors))
        watched = openvino.Model([port.get_node() for port in ports], model.get_parameters(), "watched")
        self._graph, self._tensors = graph, tensors
        # BF16, OpenVINO's default where the processor has it, would round what is to be measured.
        config = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
        self._request = core.compile_model(watched, "CPU", config).create_infer_request()

    def run(self, window: Mapping[str, NDArray]) -> Iterable[tuple[str, NDArray]]:
        try:
            results = self._request.infer(dict(window), share_inputs=True, share_outputs=True)
        except Exception as error:
            reason = str(error).strip().splitlines()[-1]
            raise CalibrationError(f"{self._graph}: a window does not fit the graph: {reason}") from error
        return zip(self._tensors, results.values(), strict=True)


def _watchers(graph: Path, tensors: Sequence[str], threads: int) -> list[_Watcher]:
    sizes = _tensor_bytes(graph, tensors)
    groups: list[list[str]] = [[]]
    filled = 0
    for tensor in tensors:
        if groups[-1] and filled + sizes[tensor] > GROUP_BYTES:
            groups.append([])
            filled = 0
        groups[-1].append(tensor)
        filled += sizes[tensor]
    return [_Watcher(graph, group, threads) for group in groups]


def _tensor_bytes(graph: Path, tensors: Sequence[str]) -> dict[str, int]:
    model = openvino.Core().read_model(graph)
    ports = model.add_outputs(list(tensors))
    return {tensor: int(np.prod(port.shape)) * 4 for tensor, port in zip(tensors, ports, strict=True)}
