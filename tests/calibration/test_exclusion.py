from __future__ import annotations

import onnx
import pytest

from calibration.quant_plan import FLAVOURS, plan_quantisation
from edge.bundle import SHIPPED


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("name", ["video", "audio"])
def test_excluding_a_layer_only_takes_roundings_away(name: str, flavour: str) -> None:
    graph = onnx.load(SHIPPED / f"{name}.onnx").graph
    everything = plan_quantisation(graph, flavour)
    assert len(everything.weighted) > 10
    for node in everything.weighted:
        plan = plan_quantisation(graph, flavour, [node])
        assert set(plan.weighted) == set(everything.weighted) - {node}
        assert set(plan.tensors) <= set(everything.tensors)
        assert plan.skipped[node] == "excluded"
