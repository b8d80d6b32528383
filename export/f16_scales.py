"""FP16 scales of Q/DQ nodes: rounded up, and weights that are stored as INT8 rescaled to fit them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from edge.errors import EgoactError
from export.f16_rules import Kept, Wiring


def f16_scales(wiring: Wiring, kept: Mapping[str, Kept]) -> dict[str, NDArray]:
    """New values of the constants that Q/DQ nodes in FP16 read: their scales, and weights stored as INT8.

    A scale is rounded up to the next FP16 number, so that the largest value still fits; a small weight's scale lies
    among the subnormal numbers, where the step is up to a tenth of it, so stored weights are divided anew.

    Raises:
        EgoactError: a scale is zero, negative, or not a number.
    """
    changed: dict[str, NDArray] = {}
    for node in wiring.nodes:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear") or node.name in kept:
            continue
        scale = wiring.constants.get(node.input[1])
        if scale is None:
            raise EgoactError(f"node {node.name}: its scale {node.input[1]} is computed, it must be a constant")
        rounded = _rounded_up(scale, node)
        changed[node.input[1]] = rounded
        weights = wiring.constants.get(node.input[0])
        if node.op_type == "DequantizeLinear" and weights is not None:
            ratio = _along_axis(scale.astype(np.float64) / rounded, node, weights.ndim)
            changed[node.input[0]] = np.rint(weights * ratio).astype(weights.dtype)
    return changed


def _rounded_up(scale: NDArray, node: NodeProto) -> NDArray[np.float32]:
    if not (scale > 0).all():
        raise EgoactError(f"node {node.name}: scale {node.input[1]} is not a positive number; calibrate again")
    nearest = scale.astype(np.float16)
    above = np.nextafter(nearest, np.float16(np.inf))
    return np.where(nearest.astype(np.float32) < scale, above, nearest).astype(np.float32)


def _along_axis(values: NDArray, node: NodeProto, dimensions: int) -> NDArray:
    """Per-channel values shaped so that they broadcast along the node's axis (1 unless it says otherwise)."""
    if values.size == 1:
        return values.reshape(())
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
    shape = [1] * dimensions
    shape[axis] = values.size
    return values.reshape(shape)
