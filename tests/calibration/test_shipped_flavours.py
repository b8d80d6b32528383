"""Both INT8 flavours of the shipped backbones, calibrated on the demo clip: right in every engine that may run them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from calibration.qdq import quantise
from calibration.ranges import Statistics, collect_statistics
from calibration.windows import audio_feeds, calibration_windows, video_feeds
from edge.bundle import SHIPPED, Bundle, load_bundle
from edge.engines.openvino import OpenVinoEngine
from edge.engines.plan_builder import BuildSettings, build_plan
from tests.calibration.engines import Run, relative_error, run_onnxruntime, run_openvino

DEMO = SHIPPED.parent / "demo" / "cooking_catania_w5_0.mp4"
Feeds = list[dict[str, NDArray]]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(SHIPPED)


@pytest.fixture(scope="module")
def feeds(bundle: Bundle) -> dict[str, Feeds]:
    windows = list(calibration_windows([DEMO], bundle.window, count=12, min_clips=1))
    fbank = OpenVinoEngine(bundle.graph("fbank"), threads=1)
    return {"video": list(video_feeds(windows)), "audio": list(audio_feeds(windows, fbank, min_clips=1))}


@pytest.fixture(scope="module")
def quantised(
    bundle: Bundle, feeds: dict[str, Feeds], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Path]:
    folder, statistics = tmp_path_factory.mktemp("flavours"), dict[str, Statistics]()

    def make(name: str, flavour: str) -> Path:
        out = folder / f"{name}.{flavour}.onnx"
        if not out.exists():
            if name not in statistics:
                statistics[name] = collect_statistics(bundle.graph(name), feeds[name][::2], threads=1)
            report = quantise(bundle.graph(name), statistics[name].scales("minmax"), out, flavour=flavour)
            assert report.bytes_after < 0.5 * report.bytes_before
        return out

    return make


def outputs(run: Run, feeds: Feeds) -> dict[str, NDArray]:
    results = [run(feed) for feed in feeds]
    return {name: np.concatenate([result[name] for result in results]) for name in results[0]}


def centred(found: NDArray, exact: NDArray) -> NDArray:
    """Cosine of every row after the exact features' mean was taken from both."""
    a, b = found - exact.mean(axis=0), exact - exact.mean(axis=0)
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.parametrize("name", ["video", "audio"])
def test_features_on_unseen_windows(
    name: str, bundle: Bundle, feeds: dict[str, Feeds], quantised: Callable[[str, str], Path]
) -> None:
    unseen = feeds[name][1::2]
    exact = outputs(run_openvino(bundle.graph(name), "f32"), unseen)
    found = {
        "cpu openvino": outputs(run_openvino(quantised(name, "int8-cpu")), unseen),
        "cpu onnxruntime": outputs(run_onnxruntime(quantised(name, "int8-cpu")), unseen),
        "trt onnxruntime": outputs(run_onnxruntime(quantised(name, "int8-trt")), unseen),
    }
    for engine, features in found.items():
        for output, values in features.items():
            assert centred(values, exact[output]).min() > 0.98, (engine, output)
            assert not np.array_equal(values, exact[output])
    for output, values in found["cpu openvino"].items():
        # Both engines round the same numbers; they differ only where a value lies on the edge between two steps.
        assert relative_error(values, found["cpu onnxruntime"][output]) < 0.02


@pytest.mark.parametrize("name", ["video", "audio"])
def test_the_tensorrt_flavour_builds(name: str, quantised: Callable[[str, str], Path]) -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    built = build_plan(trt, name, quantised(name, "int8-trt").read_bytes(), BuildSettings(), capability="SM86")
    assert len(built.profile) == {"video": 3, "audio": 2}[name]


def test_what_is_rounded(bundle: Bundle, quantised: Callable[[str, str], Path]) -> None:
    for name, cpu, trt in (("video", 38, 28), ("audio", 20, 19)):
        products = Counter(node.op_type in ("Conv", "MatMul") for node in onnx.load(bundle.graph(name)).graph.node)[
            True
        ]
        for flavour, expected in (("int8-cpu", cpu), ("int8-trt", trt)):
            graph = onnx.load(quantised(name, flavour)).graph
            stored = [
                i
                for i in graph.initializer
                if numpy_helper.to_array(i).dtype == np.int8 and i.name.endswith("quantized")
            ]
            assert len(stored) == expected <= products
            assert_no_rounding_before_relu(graph.node)


def assert_no_rounding_before_relu(nodes: Sequence[onnx.NodeProto]) -> None:
    producers = {output: node for node in nodes for output in node.output}
    for node in nodes:
        if node.op_type == "Relu":
            assert producers[node.input[0]].op_type != "DequantizeLinear"
