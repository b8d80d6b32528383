from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from calibration.audit import changes, sensitivities, smallest_exclusion
from calibration.errors import CalibrationError
from calibration.gate import Verdict
from calibration.ranges import collect_ranges

CHANNELS, SIDE = 32, 8
BAD = "conv3"


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Six 1x1 convolutions with ReLU; in the input of the planted one a single channel is a thousand times larger.

    One scale for all channels of that input leaves nothing of the small ones, though its weights undo the difference.
    """
    rng = np.random.default_rng(0)
    nodes, weights, tensor = [], {}, "x"
    factor = np.ones(CHANNELS, np.float32)
    for number in range(6):
        name = f"conv{number}"
        kernel = rng.normal(0, np.sqrt(2 / CHANNELS), (CHANNELS, CHANNELS, 1, 1)).astype(np.float32)
        kernel /= factor[None, :, None, None]
        factor = np.ones(CHANNELS, np.float32)
        if f"conv{number + 1}" == BAD:
            factor[5] = 1000.0
        kernel *= factor[:, None, None, None]
        weights[f"{name}_w"] = kernel
        weights[f"{name}_b"] = np.zeros(CHANNELS, np.float32)
        nodes.append(helper.make_node("Conv", [tensor, f"{name}_w", f"{name}_b"], [f"{name}_y"], name=name))
        nodes.append(helper.make_node("Relu", [f"{name}_y"], [f"{name}_r"], name=f"{name}_relu"))
        tensor = f"{name}_r"
    nodes.append(helper.make_node("ReduceMean", [tensor], ["y"], name="pool", axes=[2, 3], keepdims=0))
    graph = helper.make_graph(
        [helper.make_node("Abs", ["in"], ["x"], name="first"), *nodes],
        "chain",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, [1, CHANNELS, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CHANNELS])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "video.onnx"
    onnx.save(model, str(path))
    return path


def windows(count: int, seed: int = 1) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [{"in": rng.normal(size=(1, CHANNELS, SIDE, SIDE)).astype(np.float32)} for _ in range(count)]


def test_the_planted_layer_is_named(chain: Path) -> None:
    scales = collect_ranges(chain, windows(8), method="minmax", threads=1)
    ranked = sensitivities(chain, scales, windows(6, seed=2), threads=1)
    assert ranked[0].node == BAD
    assert ranked[0].share > 0.5
    assert all(layer.share < 0.5 for layer in ranked[1:])
    assert [layer.node for layer in sensitivities(chain, scales, windows(6), threads=1, exclude=[BAD])].count(BAD) == 0


def test_leaving_the_culprit_out_takes_its_noise(chain: Path) -> None:
    scales = collect_ranges(chain, windows(8), method="minmax", threads=1)
    ranked = sensitivities(chain, scales, windows(6, seed=2), threads=1)
    without = sensitivities(chain, scales, windows(6, seed=2), threads=1, exclude=[BAD])
    # What is left without two layers is at most what was left without the culprit alone, give or take chance.
    assert min(layer.noise for layer in without) < 1.2 * ranked[0].noise


def test_one_window_is_no_audit(chain: Path) -> None:
    scales = collect_ranges(chain, windows(2), method="minmax", threads=1)
    with pytest.raises(CalibrationError, match="--clips"):
        sensitivities(chain, scales, windows(1), threads=1)


def verdict(passed: bool) -> Verdict:
    return Verdict(passed, 100, 1.0 if passed else 0.5, None, None, "")


@pytest.mark.parametrize("needed", [0, 1, 2, 3, 5, 8, 13, 20])
def test_smallest_exclusion_is_the_smallest(needed: int) -> None:
    ranked = [f"layer{n}" for n in range(20)]
    asked: list[int] = []

    def judge(excluded: tuple[str, ...]) -> Verdict:
        assert list(excluded) == ranked[: len(excluded)]
        asked.append(len(excluded))
        return verdict(len(excluded) >= needed)

    excluded, last = smallest_exclusion(ranked, judge)
    assert len(excluded) == needed
    assert last.passed
    assert len(asked) <= 11
    assert len(asked) == len(set(asked))


def test_a_gate_that_never_passes_excludes_all() -> None:
    excluded, last = smallest_exclusion(["a", "b", "c"], lambda nodes: verdict(False))
    assert excluded == ("a", "b", "c")
    assert not last.passed


def test_changes_by_group() -> None:
    def said(tops: list[int]) -> np.ndarray:
        found = np.zeros((len(tops), 3, 3))
        found[np.arange(len(tops)), 0, tops] = 1
        return found

    labels = np.array([0, 0, 1, 1, -1])
    found = changes(said([0, 0, 1, 1, 2]), said([0, 1, 1, 1, 0]), labels, ["a", "a", "b", "b", "b"])
    assert [(c.name, c.windows, c.agreement) for c in found] == [("a", 2, 0.5), ("b", 2, 1.0)]
    assert (found[0].accuracy_before, found[0].accuracy_after) == (1.0, 0.5)
