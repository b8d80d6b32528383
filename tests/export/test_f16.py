"""The FP16 flavour: right numbers, few casts, FP32 where it must be, and TensorRT-RTX builds it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from edge.bundle import SHIPPED, load_bundle
from edge.clip_windows import clip_windows
from edge.demo import DEMO
from edge.errors import EgoactError
from export.f16 import F16Report, to_f16, write_f16
from tests.export.graphs import F16, F32, graph_of, quantised_block
from tests.export.node_by_node import Feed, run_node_by_node


def outputs(model: onnx.ModelProto, feed: Feed) -> list[NDArray]:
    return list(run_node_by_node(model, [feed])[0].values())


def kept(report: F16Report) -> dict[str, str]:
    return {node.node: node.reason for node in report.kept}


def casts(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return [node for node in model.graph.node if node.op_type == "Cast"]


@pytest.fixture(scope="module")
def windows() -> list[tuple[Feed, Feed]]:
    """Eight windows of the demo clip: what the video and what the audio engine is given."""
    bundle = load_bundle(SHIPPED)
    clip = next(DEMO.glob("*.mp4"))
    fbank = onnx.load(bundle.graph("fbank"))
    found = []
    for index, window in enumerate(clip_windows(clip, bundle.window)):
        if index % 12 == 3:
            features = outputs(fbank, {"waveform": window.audio.samples[None]})[0]
            found.append(({"frames": window.video.frames[None].copy()}, {"fbank": features}))
        if len(found) == 8:
            return found
    raise AssertionError("the demo clip is too short")


@pytest.mark.parametrize("name", ["video", "audio"])
def test_features_of_real_windows_are_those_of_f32(name: str, windows: list[tuple[Feed, Feed]]) -> None:
    """Mean-removed, because features share a large mean that flatters the plain cosine."""
    model = onnx.load(load_bundle(SHIPPED).graph(name))
    feeds = [pair[0 if name == "video" else 1] for pair in windows]
    f16, report = to_f16(model, feeds[:2])
    exact, rounded = run_node_by_node(model, feeds), run_node_by_node(f16, feeds)
    for port in model.graph.output:
        a = np.concatenate([run[port.name] for run in exact]).astype(np.float64)
        b = np.concatenate([run[port.name] for run in rounded]).astype(np.float64)
        a, b = a - a.mean(axis=0), b - a.mean(axis=0)
        cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        assert cosine.min() > 0.9999, port.name
    assert [(p.name, p.type) for p in f16.graph.input] == [(p.name, p.type) for p in model.graph.input]
    assert [(p.name, p.type) for p in f16.graph.output] == [(p.name, p.type) for p in model.graph.output]
    assert report.weight_bytes < 0.52 * report.f32_weight_bytes
    assert report.opset == 17


def test_normalisation_pools_and_attention_stay_in_f32() -> None:
    _, video = to_f16(onnx.load(load_bundle(SHIPPED).graph("video")))
    assert {"/Cast", "/Mul", "/Sub"} <= kept(video).keys()
    assert video.casts == 3  # behind the normalisation, and one before each pathway's pool
    _, audio = to_f16(onnx.load(load_bundle(SHIPPED).graph("audio")))
    types = Counter(node.op_type for node in audio.kept)
    assert (types["LayerNormalization"], types["Softmax"], types["ReduceMax"]) == (8, 3, 3)
    assert not {node.op_type for node in audio.kept} & {"MatMul", "Conv"}
    assert "exponentials of attention logits: /beats/encoder/layers.0/self_attn/Softmax" in "\n".join(audio.lines())
    assert "attention logits and their guards: /beats/encoder/layers.0/self_attn/ReduceMax" in "\n".join(audio.lines())


@pytest.mark.parametrize("name", ["video", "audio"])
def test_no_cast_is_idle_or_undone(name: str) -> None:
    model, report = to_f16(onnx.load(load_bundle(SHIPPED).graph(name)))
    made = {node.output[0]: node for node in casts(model)}
    assert not [node.name for node in casts(model) if node.input[0] in made and made[node.input[0]].name != "/Cast"]
    given = Counter((node.input[0], node.attribute[0].i) for node in casts(model))
    assert max(given.values()) == 1
    assert len(casts(model)) == report.casts + (name == "video")  # one Cast was there: uint8 -> float


def test_log_mel_stays_in_f32_wherever_it_stands(tmp_path: Path) -> None:
    """Also when a graph has it in front of the network, all of it up to the first product."""
    bundle = load_bundle(SHIPPED)
    fbank, audio = onnx.load(bundle.graph("fbank")), onnx.load(bundle.graph("audio"))
    joined = compose.merge_models(compose.add_prefix(fbank, "fb_"), audio, io_map=[("fb_fbank", "fbank")])
    f16, report = to_f16(joined)
    front = {f"fb_{node.name}" for node in fbank.graph.node if node.op_type != "Constant"}
    assert front <= kept(report).keys()
    feed = {"fb_waveform": np.random.default_rng(1).normal(0, 0.1, (1, 34133)).astype(np.float32)}
    assert np.abs(outputs(f16, feed)[0] - outputs(joined, feed)[0]).max() < 5e-3


def growing(gain: float) -> onnx.ModelProto:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="first"),
        helper.make_node("MatMul", ["a", "big"], ["b"], name="grows"),
        helper.make_node("MatMul", ["b", "small"], ["c"], name="shrinks"),
        helper.make_node("MatMul", ["c", "w"], ["y"], name="last"),
    ]
    eye = np.eye(4, dtype=np.float32)
    constants = {"w": eye, "big": eye * np.float32(gain), "small": eye / np.float32(gain)}
    return graph_of(nodes, [("x", F32, [1, 4])], [("y", F32, [1, 4])], constants)


def test_what_overflows_on_a_window_stays_in_f32_with_its_reader() -> None:
    sample = {"x": np.float32([[1, 2, 3, 50]])}
    blind, _ = to_f16(growing(2000))
    assert not np.isfinite(outputs(blind, sample)[0]).all()
    seen, report = to_f16(growing(2000), [{"x": np.float32([[1, 1, 1, 1]])}, sample])
    assert kept(report) == {"grows": "b reaches 1e+05", "shrinks": "b reaches 1e+05"}
    assert outputs(seen, sample)[0] == pytest.approx(sample["x"], rel=1e-3)


def test_a_weight_that_overflows_stays_in_f32() -> None:
    model, report = to_f16(growing(1e5))
    assert kept(report) == {"grows": "big reaches 1e+05"}
    assert {item.name: item.data_type for item in model.graph.initializer}["big"] == F32


def test_an_output_that_is_read_inside_keeps_name_and_type() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["middle"], name="a"),
        helper.make_node("MatMul", ["middle", "w"], ["end"], name="b"),
    ]
    ports = [("middle", F32, [1, 2]), ("end", F32, [1, 2])]
    model, report = to_f16(graph_of(nodes, [("x", F32, [1, 2])], ports, {"w": np.eye(2, dtype=np.float32)}))
    assert [port.type.tensor_type.elem_type for port in model.graph.output] == [F32, F32]
    assert report.casts == 3
    assert [node.input[0] for node in model.graph.node if node.name == "b"] == ["middle_f16"]
    assert outputs(model, {"x": np.float32([[1, 3]])})[1] == pytest.approx(np.float32([[1, 3]]))


@pytest.mark.parametrize("stored_int8", [True, False])
@pytest.mark.parametrize("weight_gain", [1.0, 1e-3])
def test_quantised_graphs_get_f16_scales_and_nothing_between_q_dq_and_product(
    stored_int8: bool, weight_gain: float
) -> None:
    """Small weights have scales among FP16's subnormal numbers, 2e-6 here with steps of 6e-8."""
    model = quantised_block(stored_int8=stored_int8, weight_gain=weight_gain)
    f16, report = to_f16(model)
    types = {item.name: item.data_type for item in f16.graph.initializer}
    maker = {node.output[0]: node for node in f16.graph.node}
    for node in f16.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            assert types[node.input[1]] == F16
        if node.op_type == "Conv":
            assert [maker[tensor].op_type for tensor in node.input[:2]] == ["DequantizeLinear"] * 2
    assert report.opset == 19
    assert report.casts == 2
    feed = {"frames": np.random.default_rng(0).integers(0, 256, (1, 4, 16, 16, 3), dtype=np.uint8)}
    exact, rounded = outputs(model, feed)[0], outputs(f16, feed)[0]
    assert np.abs(rounded - exact).max() < 4e-3 * np.abs(exact).max()


def test_q_dq_around_a_product_in_f32_stays_in_f32() -> None:
    """A Cast behind a DequantizeLinear would keep the product from running in INT8."""
    model = quantised_block(stored_int8=False)
    for item in model.graph.initializer:
        if item.name == "b_body":
            item.CopyFrom(numpy_helper.from_array(np.full(16, 1e5, np.float32), "b_body"))
    f16, report = to_f16(model)
    assert kept(report)["Conv_body_small"] == "b_body reaches 1e+05"
    assert {"DequantizeLinear_w_body_dq", "QuantizeLinear_w_body_q"} <= kept(report).keys()
    types = {item.name: item.data_type for item in f16.graph.initializer}
    assert (types["s_w_body"], types["s_w_stem_f16"]) == (F32, F16)


def test_a_scale_of_zero_is_refused() -> None:
    model = quantised_block(stored_int8=True)
    for item in model.graph.initializer:
        if item.name == "s_body":
            item.CopyFrom(numpy_helper.from_array(np.float32(0), "s_body"))
    with pytest.raises(EgoactError, match="scale s_body is not a positive number; calibrate again"):
        to_f16(model)


def test_an_f16_graph_is_refused(tmp_path: Path) -> None:
    write_f16(load_bundle(SHIPPED).graph("video"), tmp_path / "video.f16-trt.onnx")
    with pytest.raises(EgoactError, match="FP16 weights already"):
        write_f16(tmp_path / "video.f16-trt.onnx", tmp_path / "again.onnx")


def test_the_same_graph_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_f16(load_bundle(SHIPPED).graph("audio"), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert TensorProto.FLOAT16 in {item.data_type for item in onnx.load(tmp_path / "a").graph.initializer}
