from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

import trainer
from edge.contract import HEAD_MASK, WindowSpec
from export.head_rows import MaskedRows
from export.onnx_graphs import OPSET, export_audio, export_fbank, export_head, export_video
from export.parity import Inputs, compare
from tests.trainer.models.seeded import seed_weights
from trainer.models.beats import Beats, beats_base, beats_small
from trainer.models.fbank import Fbank, fbank_frames
from trainer.models.fusion import FusedModel
from trainer.models.slowfast import slowfast_r101, slowfast_small
from trainer.models.video_net import VideoNet

SAMPLES = WindowSpec().clip_audio_samples
FRAMES = fbank_frames(SAMPLES)
Case = tuple[nn.Module, Callable[[Path], None], Callable[[], Inputs]]


def video_case(net: VideoNet) -> Case:
    seed_weights(net)
    side = net.slowfast.crop_px
    random = np.random.default_rng(0)
    return net, lambda path: export_video(net, path), lambda: {"frames": clip(random, side)}


def audio_case(net: Beats) -> Case:
    seed_weights(net)
    random = np.random.default_rng(1)
    shape = (1, FRAMES, 128)
    return net, lambda p: export_audio(net, p, FRAMES), lambda: {"fbank": 0.5 * normal(random, *shape)}


def fbank_case() -> Case:
    random = np.random.default_rng(2)
    return Fbank(), lambda path: export_fbank(path, SAMPLES), lambda: {"waveform": 0.1 * normal(random, 1, SAMPLES)}


def head_case() -> Case:
    net = FusedModel(1536, 384, 192, hidden=64, out=32, classes=17)
    seed_weights(net)
    random = np.random.default_rng(3)
    dims = {"appearance": 1536, "motion": 384, "audio": 192}

    def inputs() -> Inputs:
        return {name: np.abs(normal(random, 1, dim)) for name, dim in dims.items()} | {"mask": HEAD_MASK}

    return MaskedRows(net), lambda path: export_head(MaskedRows(net), path, (1536, 384, 192)), inputs


def clip(random: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """A bright square that moves over a gradient, with noise: rows differ in appearance and in motion."""
    frames = np.linspace(0, random.uniform(80, 200), side)[None, None, None, :, None] * np.ones((1, 32, side, side, 3))
    step, size = random.integers(1, 4), side // 4
    for t in range(32):
        at = (t * step) % (side - size)
        frames[0, t, at : at + size, at : at + size] = random.uniform(100, 255, 3)
    return (frames + random.normal(0, 4, frames.shape)).clip(0, 255).astype(np.uint8)


def normal(random: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return random.standard_normal(shape).astype(np.float32)


CASES: dict[str, Callable[[], Case]] = {
    "video": lambda: video_case(VideoNet(slowfast_small())),
    "audio": lambda: audio_case(beats_small(dropout=0.3)),
    "fbank": fbank_case,
    "head": head_case,
}
FULL_SIZE: dict[str, Callable[[], Case]] = {
    "video R101": lambda: video_case(VideoNet(slowfast_r101())),
    "audio base": lambda: audio_case(beats_base()),
}


@pytest.mark.parametrize("name", CASES)
def test_engines_compute_what_the_module_computes(tmp_path: Path, name: str) -> None:
    net, export, inputs = CASES[name]()
    export(tmp_path / "graph.onnx")
    differences = compare(net, tmp_path / "graph.onnx", [inputs() for _ in range(3)])
    assert {d.engine for d in differences} == {"onnxruntime", "openvino"}
    for difference in differences:
        assert difference.max_abs < 1e-4, difference
        assert difference.centred_cosine > 0.99999, difference


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL_SIZE)
def test_full_size_networks_go_the_same_way(tmp_path: Path, name: str) -> None:
    net, export, inputs = FULL_SIZE[name]()
    export(tmp_path / "graph.onnx")
    for difference in compare(net, tmp_path / "graph.onnx", [inputs() for _ in range(2)]):
        assert difference.max_abs < 1e-3, difference
        assert difference.centred_cosine > 0.9999, difference


def shapes(values: object) -> dict[str, tuple[list[int], int]]:
    return {
        v.name: ([d.dim_value for d in v.type.tensor_type.shape.dim], v.type.tensor_type.elem_type)
        for v in values  # type: ignore[attr-defined]
    }


def test_names_shapes_and_types_are_the_contract(tmp_path: Path) -> None:
    uint8, float32 = onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT
    expected = {
        "video": ({"frames": ([1, 32, 128, 128, 3], uint8)}, {"appearance": [1, 512], "motion": [1, 128]}),
        "audio": ({"fbank": ([1, 211, 128], float32)}, {"audio": [1, 192]}),
        "fbank": ({"waveform": ([1, 34133], float32)}, {"fbank": [1, 211, 128]}),
        "head": (
            {
                "appearance": ([1, 1536], float32),
                "motion": ([1, 384], float32),
                "audio": ([1, 192], float32),
                "mask": ([3, 3], float32),
            },
            {"logits": [3, 17]},
        ),
    }
    for name, (inputs, outputs) in expected.items():
        CASES[name]()[1](tmp_path / "graph.onnx")
        model = onnx.load(tmp_path / "graph.onnx")
        assert shapes(model.graph.input) == inputs
        assert shapes(model.graph.output) == {output: (shape, float32) for output, shape in outputs.items()}
        assert [(o.domain, o.version) for o in model.opset_import] == [("", OPSET)]


def operators(name: str, folder: Path) -> Counter[str]:
    CASES[name]()[1](folder / "graph.onnx")
    return Counter(node.op_type for node in onnx.load(folder / "graph.onnx").graph.node)


def test_the_video_graph_is_clean(tmp_path: Path) -> None:
    counts = operators("video", tmp_path)
    assert "BatchNormalization" not in counts, "folded into the convolutions"
    assert "Identity" not in counts
    graph = onnx.load(tmp_path / "graph.onnx").graph
    first = next(node for node in graph.node if "frames" in node.input)
    assert first.op_type == "Cast", "TensorRT's parser cannot transpose uint8"
    weights = {initializer.name for initializer in graph.initializer}
    assert all(node.input[1] in weights for node in graph.node if node.op_type == "Conv")


def test_the_audio_graph_is_clean(tmp_path: Path) -> None:
    counts = operators("audio", tmp_path)
    assert counts["LayerNormalization"] == 2 + 2 * 3, "one node each: TensorRT keeps it in FP32"
    assert not counts.keys() & {"Dropout", "Identity", "Shape", "If", "Loop", "DFT"}


@pytest.mark.parametrize("name", CASES)
def test_bytes_are_reproducible_and_hold_no_paths(tmp_path: Path, name: str) -> None:
    CASES[name]()[1](tmp_path / "a.onnx")
    CASES[name]()[1](tmp_path / "b.onnx")
    content = (tmp_path / "a.onnx").read_bytes()
    assert content == (tmp_path / "b.onnx").read_bytes()
    for path in (os.getcwd(), str(Path(torch.__file__).parent), str(Path(trainer.__file__).parent), ".py"):
        assert path.encode() not in content


def test_export_leaves_the_module_as_it_was(tmp_path: Path) -> None:
    net = beats_small(dropout=0.5).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    export_audio(net, tmp_path / "graph.onnx", FRAMES)
    assert all(module.training for module in net.modules())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_wrong_graph_is_found(tmp_path: Path) -> None:
    net, export, inputs = CASES["head"]()
    export(tmp_path / "graph.onnx")
    with torch.no_grad():
        net.fused.classifier.bias[0] += 0.01  # type: ignore[union-attr, operator, index]
    assert max(d.max_abs for d in compare(net, tmp_path / "graph.onnx", [inputs()])) > 0.009
