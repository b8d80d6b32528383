from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from bench import second_opinion
from bench.second_opinion import by_nncf, compare, real_inputs
from calibration.qdq import quantise
from calibration.ranges import collect_ranges
from edge.engines.openvino import OpenVinoEngine
from edge.errors import UsageError
from tests.calibration.graphs import CHANNELS, residual_net, save
from tests.media import make_clip

INPUTS = [{"x": x} for x in np.random.default_rng(0).normal(size=(8, 1, CHANNELS, 2, 6, 6)).astype(np.float32)]


def test_engines_beside_the_first_one(tmp_path: Path) -> None:
    graph = residual_net(tmp_path / "net.onnx")
    scales = collect_ranges(graph, INPUTS, method="minmax", threads=1)
    quantise(graph, scales, tmp_path / "q.onnx", flavour="int8-cpu")
    engines = {
        "FP32": OpenVinoEngine(graph, threads=1),
        "INT8": OpenVinoEngine(tmp_path / "q.onnx", precision="int8", threads=1),
    }
    exact, rounded = compare(engines, INPUTS, rounds=2)
    assert (exact.name, exact.noise) == ("FP32", 0)
    assert exact.centred_cosine == pytest.approx(1)
    assert 0 < rounded.noise < 0.2
    assert 0.95 < rounded.centred_cosine < 1
    assert min(exact.processor_ms, rounded.processor_ms) > 0


def test_real_inputs_follow_the_graph(tmp_path: Path) -> None:
    clips = [make_clip(tmp_path / f"clip{n}.mp4", seconds=1.1) for n in range(8)]
    cast = helper.make_node("Cast", ["frames"], ["y"], to=TensorProto.FLOAT)
    shape = (1, 32, 32, 32, 3)
    graph = save(tmp_path / "video.onnx", [cast], {"frames": shape}, {"y": shape}, {}, TensorProto.UINT8)
    feeds = real_inputs(graph, clips, 8)
    assert [feed["frames"].shape for feed in feeds] == [shape] * 8
    other = residual_net(tmp_path / "other.onnx")
    with pytest.raises(UsageError, match=r"its input is x; give a bundle's video\.onnx or audio\.onnx"):
        real_inputs(other, clips, 8)


def test_without_nncf_the_command_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(UsageError, match="NNCF is not installed; install it with `pip install nncf`"):
        by_nncf(tmp_path / "video.onnx", INPUTS, tmp_path / "out.xml")


def test_a_failure_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = residual_net(tmp_path / "net.onnx")
    monkeypatch.setattr(sys, "argv", ["second_opinion", str(graph), "--clips", str(tmp_path / "nowhere")])
    assert second_opinion.main() != 0
    assert capsys.readouterr().err.count("\n") == 1
