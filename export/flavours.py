"""All flavours of a backbone's graph: what the CPU and TensorRT run beside FP32."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from numpy.typing import NDArray

from calibration.qdq import QuantReport, quantise
from calibration.scales import Scales
from export.f16 import F16Report, to_f16, write_f16

BACKBONES = ("video", "audio")


@dataclass(frozen=True)
class FlavourReport:
    """What became of one backbone."""

    cpu: QuantReport
    tensorrt: QuantReport
    f16: F16Report
    """Of the FP16 flavour: what stays FP32 there, and why."""


def write_flavours(
    folder: Path,
    name: str,
    scales: Scales,
    samples: Sequence[Mapping[str, NDArray]],
    *,
    exclude: Collection[str] = (),
) -> FlavourReport:
    """Write NAME.int8-cpu.onnx, NAME.int8-trt.onnx and NAME.f16-trt.onnx beside NAME.onnx.

    Args:
        folder: of the bundle in the making.
        name: 'video' or 'audio'.
        scales: activation ranges of NAME.onnx.
        samples: real inputs of the graph; nodes that overflow FP16 on them stay in FP32.
        exclude: products that stay in floating point in both INT8 flavours.

    Raises:
        CalibrationError: the scales do not fit the graph.
        EgoactError: the graph cannot be converted to FP16.
    """
    graph = folder / f"{name}.onnx"
    cpu = quantise(graph, scales, folder / f"{name}.int8-cpu.onnx", flavour="int8-cpu", exclude=exclude)
    tensorrt = quantise(
        graph,
        scales,
        folder / f"{name}.int8-trt.onnx",
        flavour="int8-trt",
        exclude=exclude,
        convert=lambda model: to_f16(model, samples)[0],
    )
    return FlavourReport(cpu, tensorrt, write_f16(graph, folder / f"{name}.f16-trt.onnx", samples))
