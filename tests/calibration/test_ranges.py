from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

import calibration.ranges
from calibration.errors import CalibrationError
from calibration.observers import METHODS, observe
from calibration.ranges import collect_ranges, collect_statistics
from edge.bundle import sha256_of
from tests.calibration.engines import run_onnxruntime
from tests.calibration.graphs import CHANNELS, residual_net, save

WATCHED = {"stem_out", "a_out", "b_raw", "sum_out", "side_out", "joined", "mean"}


def windows(count: int, seed: int = 3) -> Iterator[dict[str, NDArray]]:
    generator = np.random.default_rng(seed)
    for _ in range(count):
        yield {"x": generator.normal(size=(1, CHANNELS, 2, 6, 6)).astype(np.float32)}


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return residual_net(tmp_path_factory.mktemp("net") / "net.onnx")


def exposed(graph: Path, out: Path) -> Path:
    model = onnx.load(graph)
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in sorted(WATCHED))
    onnx.save(model, str(out))
    return out


def test_ranges_are_those_of_another_engine(graph: Path, tmp_path: Path) -> None:
    found = collect_ranges(graph, windows(5), method="minmax", threads=1)
    assert found.tensors.keys() == WATCHED
    runs = [run_onnxruntime(exposed(graph, tmp_path / "all.onnx"))(window) for window in windows(5)]
    seen = {name: (min(r[name].min() for r in runs), max(r[name].max() for r in runs)) for name in WATCHED}
    # What meets in the Concat has one range: that of all of it.
    group = ["sum_out", "side_out"]
    union = (min(seen[name][0] for name in group), max(seen[name][1] for name in group))
    for name, value in found.tensors.items():
        expected = union if name in group else seen[name]
        assert (value.minimum, value.maximum) == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert found.tensors["b_raw"].low < 0 < found.tensors["b_raw"].high
    assert (found.windows, found.graph_sha256, found.method) == (5, sha256_of(graph), "minmax")
    assert found.skipped == {"stem": "stem: its input is the raw signal"}


def test_one_pass_serves_every_method(graph: Path) -> None:
    statistics = collect_statistics(graph, windows(4), threads=1)
    for method in METHODS:
        once = collect_ranges(graph, windows(4), method=method, threads=1)
        assert statistics.scales(method) == once
        assert once.tensors["a_out"] == observe(statistics.histograms["a_out"], method)
    assert statistics.scales("minmax", clips=3).clips == 3


def test_groups_of_tensors_give_the_same(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = collect_statistics(graph, windows(3), threads=1)
    monkeypatch.setattr(calibration.ranges, "GROUP_BYTES", 1)
    parts = collect_statistics(graph, windows(3), threads=1)
    assert parts.scales("minmax").tensors == whole.scales("minmax").tensors


def test_memory_does_not_grow_with_the_windows(graph: Path) -> None:
    alive = peak_alive = 0

    class Counted(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def counted(count: int) -> Iterator[dict[str, NDArray]]:
        nonlocal alive, peak_alive
        for window in windows(count):
            alive += 1
            peak_alive = max(peak_alive, alive)
            yield {"x": window["x"].view(Counted)}

    def measured(count: int) -> tuple[int, int]:
        tracemalloc.start()
        statistics = collect_statistics(graph, counted(count), threads=1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert statistics.windows == count
        state = sum(h.counts.nbytes for h in set(statistics.histograms.values()))
        return peak, state

    few_peak, few_state = measured(2)
    many_peak, many_state = measured(60)
    assert many_state == few_state
    assert many_peak < few_peak + 65_536  # sixty windows alone would be 277 kB
    assert peak_alive <= 3  # the one being read, the one being run, the one the engine still holds


def test_the_digest_names_the_windows_and_their_order(graph: Path) -> None:
    digests = {
        collect_ranges(graph, given, method="minmax", threads=1).data_sha256
        for given in (windows(2), windows(2, seed=4), list(windows(2))[::-1], list(windows(2)))
    }
    assert len(digests) == 3


def test_wrong_use_is_one_line(graph: Path, tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match=r"no window to measure ranges on; .*--clips"):
        collect_ranges(graph, [], method="minmax", threads=1)
    with pytest.raises(CalibrationError, match=r"a window does not fit the graph: [^\n]+$"):
        collect_ranges(graph, [{"x": np.zeros((1, 3), np.float32)}], method="minmax", threads=1)
    huge = np.full((1, CHANNELS, 2, 6, 6), 3e38, np.float32)
    with pytest.raises(CalibrationError, match=r"activation \w+ has values that are not finite; export"):
        collect_ranges(graph, [{"x": huge}], method="minmax", threads=1)
    with pytest.raises(CalibrationError, match="method 'mse' is not one of"):
        collect_ranges(graph, windows(1), method="mse", threads=1)
    identity = save(
        tmp_path / "fbank.onnx", [helper.make_node("Relu", ["x"], ["fbank"])], {"x": (1, 4)}, {"fbank": (1, 4)}, {}
    )
    with pytest.raises(CalibrationError, match="log-mel graph stays FP32"):
        collect_ranges(identity, [{"x": np.zeros((1, 4), np.float32)}], method="minmax", threads=1)
