from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from calibration.errors import CalibrationError
from calibration.qdq import quantise
from calibration.ranges import collect_ranges
from calibration.scales import Scales
from tests.calibration.engines import Run, relative_error, run_onnxruntime, run_openvino
from tests.calibration.graphs import CHANNELS, conv3d, max_pool, residual_net


def inputs(count: int, seed: int = 7) -> list[dict[str, NDArray]]:
    generator = np.random.default_rng(seed)
    return [{"x": generator.normal(size=(1, CHANNELS, 2, 6, 6)).astype(np.float32)} for _ in range(count)]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return residual_net(tmp_path_factory.mktemp("net") / "net.onnx")


@pytest.fixture(scope="module")
def scales(graph: Path) -> Scales:
    return collect_ranges(graph, inputs(8), method="minmax", threads=1)


class Literal:
    """The tiny net with every rounding written out, in double precision."""

    def __init__(self, graph: Path, scales: Scales, flavour: str) -> None:
        self.constants = {
            i.name: numpy_helper.to_array(i).astype(np.float64) for i in onnx.load(graph).graph.initializer
        }
        self.scales, self.cpu = scales, flavour == "int8-cpu"

    def tensor(self, value: NDArray, name: str) -> NDArray:
        bounds = self.scales.tensors[name]
        if not self.cpu:
            scale = np.float64(np.float16(bounds.threshold / 127))
            scale = (
                scale if scale * 127 >= bounds.threshold else np.float64(np.nextafter(np.float16(scale), np.float16(9)))
            )
            return np.clip(np.rint(value / scale), -128, 127) * scale
        zero_points = [0] if bounds.low == 0 else range(1, 255)
        scale, zero_point = min(
            (np.float32(max(-bounds.low / z if z else 0, bounds.high / (255 - z))), z) for z in zero_points
        )
        return (np.clip(np.rint(value / np.float64(scale)) + zero_point, 0, 255) - zero_point) * np.float64(scale)

    def weights(self, name: str) -> NDArray:
        exact = self.constants[name]
        rounded = np.empty_like(exact)
        for channel, values in enumerate(exact):
            scale = np.float16(np.abs(values).max() / 127)
            if np.float64(scale) * 127 < np.abs(values).max():
                scale = np.nextafter(scale, np.float16(9))
            rounded[channel] = np.rint(values / np.float64(scale)) * np.float64(scale)
        return rounded

    def conv(self, x: NDArray, name: str, pad: int = 1, end: int = 0, exact: bool = False) -> NDArray:
        w = self.constants[f"w_{name}"] if exact else self.weights(f"w_{name}")
        return conv3d(x, w, self.constants[f"b_{name}"], (0, pad, pad), (end, pad, pad))

    def __call__(self, feed: dict[str, NDArray]) -> NDArray:
        relu, c = lambda v: np.maximum(v, 0), self.constants
        stem = relu(self.conv(feed["x"].astype(np.float64), "stem", exact=True))
        stem_q = self.tensor(stem, "stem_out")
        a = relu(self.conv(stem_q, "a", end=1))
        b = self.conv(self.tensor(a, "a_out"), "b", pad=0)
        total = relu(stem_q + (self.tensor(b, "b_raw") if self.cpu else b))
        side = relu(self.conv(stem_q, "side"))
        if self.cpu:
            total, side = self.tensor(total, "sum_out"), self.tensor(side, "side_out")
        joined = np.concatenate([max_pool(total), max_pool(side)], axis=1)
        joined = joined if self.cpu else self.tensor(joined, "joined")
        mean = relu(self.conv(joined, "c")).mean(axis=(2, 3, 4))
        return self.tensor(mean, "mean") @ self.weights("w_y").T + c["b_y"]


@pytest.mark.parametrize(
    ("run", "flavour"),
    [(run_onnxruntime, "int8-cpu"), (run_openvino, "int8-cpu"), (run_onnxruntime, "int8-trt")],
    ids=["onnxruntime cpu", "openvino cpu", "onnxruntime trt"],  # OpenVINO and trt: see test_traps
)
def test_it_computes_what_literal_rounding_computes(
    run: Run, flavour: str, graph: Path, scales: Scales, tmp_path: Path
) -> None:
    quantise(graph, scales, tmp_path / "q.onnx", flavour=flavour)
    literal, engine = Literal(graph, scales, flavour), run(tmp_path / "q.onnx")
    feeds = inputs(6, seed=8)
    found = np.concatenate([engine(feed)["y"] for feed in feeds])
    expected = np.concatenate([literal(feed) for feed in feeds])
    exact = np.concatenate([run_onnxruntime(graph)(feed)["y"] for feed in feeds])
    # A value on the edge between two steps may fall either way; the rounding itself moves the output much more.
    assert relative_error(found, expected) < 0.1 * relative_error(expected, exact)
    assert relative_error(expected, exact) < 0.05


def test_where_the_pairs_stand(graph: Path, scales: Scales, tmp_path: Path) -> None:
    # On the CPU c reads a Concat of bytes; TensorRT moves Q by itself.
    cpu, trt = {"add:0", "add:1", "sum_pool:0", "side_pool:0"}, {"add:0", "c:0"}
    for flavour, own in (("int8-cpu", cpu), ("int8-trt", trt)):
        report = quantise(graph, scales, tmp_path / "q.onnx", flavour=flavour)
        nodes = onnx.load(tmp_path / "q.onnx").graph.node
        producers = {name: node for node in nodes for name in node.output}
        fed = {
            f"{node.name}:{index}"
            for node in nodes
            for index, name in enumerate(node.input)
            if name in producers and producers[name].op_type == "DequantizeLinear" and "Quant" not in node.op_type
        }
        products = {f"{name}:{index}" for name in ("a", "b", "side", "gemm") for index in (0, 1)} | {"c:1"}
        assert fed == products | own
        assert report.quantised == ("a", "b", "side", "c", "gemm")
        assert report.skipped == {"stem": "stem: its input is the raw signal"}
        # One pair a tensor, however many read it, and none between a Conv and its Relu.
        rounded = [node.input[0] for node in nodes if node.op_type == "QuantizeLinear"]
        assert Counter(rounded) == Counter(set(rounded))
        assert report.tensors == len(rounded)
        assert not {"a_raw", "side_raw", "c_raw", "stem_raw", "sum_raw"} & set(rounded)


def test_the_inputs_of_a_concat_share_one_range(graph: Path, scales: Scales, tmp_path: Path) -> None:
    quantise(graph, scales, tmp_path / "q.onnx", flavour="int8-cpu")
    constants = {i.name: numpy_helper.to_array(i) for i in onnx.load(tmp_path / "q.onnx").graph.initializer}
    assert constants["sum_out_scale"] == constants["side_out_scale"] != constants["a_out_scale"]


@pytest.mark.parametrize(("flavour", "dtype"), [("int8-cpu", np.uint8), ("int8-trt", np.int8)])
def test_types_of_a_flavour(flavour: str, dtype: type, graph: Path, scales: Scales, tmp_path: Path) -> None:
    report = quantise(graph, scales, tmp_path / "q.onnx", flavour=flavour)
    model = onnx.load(tmp_path / "q.onnx")
    assert model.opset_import[0].version == 17
    constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear":
            assert constants[node.input[2]].dtype == dtype
            assert flavour == "int8-cpu" or constants[node.input[2]] == 0
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            assert constants[node.input[0]].dtype == np.int8
            assert not constants[node.input[2]].any()
        if node.op_type in ("Conv", "Gemm"):
            assert constants[node.input[2]].dtype == np.float32  # the bias
    assert {"w_a", "w_y"}.isdisjoint(constants)  # the FP32 weights are gone
    assert report.bytes_after < report.bytes_before / 2
    assert report.bytes_after == (tmp_path / "q.onnx").stat().st_size


def test_all_scales_of_the_tensorrt_flavour_are_exact_in_fp16(graph: Path, scales: Scales, tmp_path: Path) -> None:
    quantise(graph, scales, tmp_path / "q.onnx", flavour="int8-trt")
    for constant in onnx.load(tmp_path / "q.onnx").graph.initializer:
        if constant.name.endswith("_scale"):
            values = numpy_helper.to_array(constant)
            np.testing.assert_array_equal(values, values.astype(np.float16).astype(np.float32))


def test_excluded_nodes_and_their_adds_stay(graph: Path, scales: Scales, tmp_path: Path) -> None:
    report = quantise(graph, scales, tmp_path / "q.onnx", flavour="int8-cpu", exclude=["b", "gemm"])
    assert report.quantised == ("a", "side", "c")
    assert report.skipped["b"] == report.skipped["gemm"] == "excluded"
    nodes = {node.name: node for node in onnx.load(tmp_path / "q.onnx").graph.node}
    assert list(nodes["b"].input[:2]) == ["a_out", "w_b"]
    assert list(nodes["add"].input) == ["stem_out", "b_raw"]
    everything = quantise(
        graph, scales, tmp_path / "all.onnx", flavour="int8-cpu", exclude=["a", "b", "side", "c", "gemm"]
    )
    assert everything.quantised == ()
    feed = inputs(1)[0]
    expected = run_onnxruntime(graph)(feed)["y"]
    np.testing.assert_array_equal(run_onnxruntime(tmp_path / "all.onnx")(feed)["y"], expected)


def test_a_hook_converts_the_finished_model(graph: Path, scales: Scales, tmp_path: Path) -> None:
    seen = []

    def convert(model: onnx.ModelProto) -> onnx.ModelProto:
        seen.append(Counter(node.op_type for node in model.graph.node)["QuantizeLinear"])
        model.producer_name = "converted"
        return model

    report = quantise(graph, scales, tmp_path / "q.onnx", flavour="int8-trt", convert=convert)
    assert seen == [report.tensors]
    assert onnx.load(tmp_path / "q.onnx").producer_name == "converted"


def test_wrong_use_is_one_line(graph: Path, scales: Scales, tmp_path: Path) -> None:
    other = residual_net(tmp_path / "other.onnx", seed=1)
    out = tmp_path / "q.onnx"
    with pytest.raises(CalibrationError, match=r"graph_sha256 is .* other\.onnx has .*egoact calibrate"):
        quantise(other, scales, out, flavour="int8-cpu")
    with pytest.raises(CalibrationError, match="flavour 'int4' is not one of int8-cpu, int8-trt"):
        quantise(graph, scales, out, flavour="int4")
    with pytest.raises(CalibrationError, match=r"nowhere: no product"):
        quantise(graph, scales, out, flavour="int8-cpu", exclude=["nowhere"])
    lacking = Scales(**{**vars(scales), "tensors": {k: v for k, v in scales.tensors.items() if k != "a_out"}})
    with pytest.raises(CalibrationError, match=r"tensors has no range of a_out; .*egoact calibrate"):
        quantise(graph, lacking, out, flavour="int8-trt")
    assert not out.exists()
