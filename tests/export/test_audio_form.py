"""The engines' form of BEATs computes what BEATs computes, through the plain kernels of OpenVINO."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from calibration.qdq import quantise
from calibration.ranges import collect_ranges
from edge.engines.openvino import OpenVinoEngine
from export.audio_form import EngineBeats
from export.onnx_graphs import export_audio
from tests.trainer.models.seeded import seed_weights
from trainer.models.beats import Beats, beats_small


def network() -> Beats:
    net = beats_small()
    seed_weights(net)
    return net.eval()


def spectra(number: int) -> np.ndarray:
    return np.random.default_rng(number).standard_normal((1, 211, 128)).astype(np.float32)


def test_it_is_the_same_function_and_leaves_the_network_alone() -> None:
    net = network()
    form = EngineBeats(net).eval()
    with torch.inference_mode():
        torch.testing.assert_close(form(torch.from_numpy(spectra(0))), net(torch.from_numpy(spectra(0))))
    assert net.encoder.pos_conv[0].padding == (64,)


def test_the_position_bias_is_a_constant_and_the_pad_has_one(tmp_path: Path) -> None:
    export_audio(network(), tmp_path / "audio.onnx", 211)
    graph = onnx.load(tmp_path / "audio.onnx").graph
    weights = {initializer.name: list(initializer.dims) for initializer in graph.initializer}
    assert [1, 4, 104, 104] in weights.values()
    [pad] = [node for node in graph.node if node.op_type == "Pad"]
    assert weights[pad.input[1]] == [6]
    assert not {"Gather", "ConstantOfShape", "Cast"} & {node.op_type for node in graph.node}


@pytest.mark.parametrize("precision", ["f32", "int8"])
def test_openvino_keeps_the_padding_apart(tmp_path: Path, precision: str) -> None:
    """Folded into the convolution, it would cost 3 to 9 times its time."""
    graph = tmp_path / "audio.onnx"
    export_audio(network(), graph, 211)
    if precision == "int8":
        scales = collect_ranges(graph, [{"fbank": spectra(i)} for i in range(2)], method="minmax", threads=1)
        quantise(graph, scales, tmp_path / "int8.onnx", flavour="int8-cpu")
        graph = tmp_path / "int8.onnx"
    engine = OpenVinoEngine(graph, precision=precision, threads=1)
    operators = engine._model.get_runtime_model().get_ordered_ops()
    convolutions = [op for op in operators if str(op.get_rt_info()["layerType"].astype(str)) == "Convolution"]
    [position] = [op for op in convolutions if "pos_conv" in op.get_friendly_name()]
    assert list(position.input(0).get_source_output().get_shape())[-1] == 104 + 127
    executed = str(position.get_rt_info()["primitiveType"].astype(str))
    assert executed.endswith("I8") == (precision == "int8"), executed
