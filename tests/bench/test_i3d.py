"""A trained 3D network in INT8: the slow proof, and what reads its weights."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from bench.i3d import I3dUnavailable, _ArraysOnly, _same, i3d_graph
from bench.i3d_proof import SUFFIXES, prove, windows
from edge.engines.openvino import OpenVinoEngine

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "clips"
FOLDER = Path(os.environ.get("EGOACT_CLIPS", _BESIDE))
CLIPS = sorted(path for path in FOLDER.glob("*") if path.suffix in SUFFIXES) if FOLDER.is_dir() else []
FLIPPING_PANCAKE = 129
"""Of Kinetics-400's classes in alphabetical order."""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return i3d_graph(tmp_path_factory.mktemp("i3d") / "i3d.onnx")
    except I3dUnavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.slow
@pytest.mark.skipif(len(CLIPS) < 4, reason="no folder of real clips (set EGOACT_CLIPS)")
@pytest.mark.timeout(1200)
def test_int8_says_what_fp32_says_on_real_clips(graph: Path, tmp_path: Path) -> None:
    found = prove(graph, CLIPS, rows=3, method="minmax", threads=1, folder=tmp_path)
    assert found.quantised == 58
    assert found.rows >= 12
    assert found.top1_agreement >= 0.9
    assert found.sure_agreement == 1.0
    assert found.features_cosine > 0.98


@pytest.mark.slow
def test_the_graph_knows_a_kinetics_clip(graph: Path) -> None:
    clips = [clip for clip in CLIPS if "flipping_pancake" in clip.name]
    if not clips:
        pytest.skip("no Kinetics clip among the real ones (set EGOACT_CLIPS)")
    engine = OpenVinoEngine(graph, threads=1)
    for frames in windows(clips[0], 2):
        logits = engine.infer({"frames": frames})["classes"][0].astype(np.float64)
        probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        assert int(probabilities.argmax()) == FLIPPING_PANCAKE
        assert probabilities[FLIPPING_PANCAKE] > 0.9


def test_the_unpickler_builds_arrays() -> None:
    stored = {"params": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3)}}
    found = _ArraysOnly(io.BytesIO(pickle.dumps(stored, protocol=4))).load()
    np.testing.assert_array_equal(found["params"]["kernel"], stored["params"]["kernel"])


@pytest.mark.parametrize("thing", [os.system, np.frompyfunc, Path, np.testing.assert_equal, getattr])
def test_the_unpickler_refuses_everything_else(thing: object) -> None:
    with pytest.raises(I3dUnavailable, match="which is no array"):
        _ArraysOnly(io.BytesIO(pickle.dumps(thing))).load()


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads", "out"),
    [
        (224, 7, 2, (2, 3), 112),
        (112, 3, 2, (0, 1), 56),
        (56, 3, 1, (1, 1), 56),
        (8, 2, 2, (0, 0), 4),
        (7, 3, 2, (1, 1), 4),
    ],
)
def test_same_padding_is_tensorflows(size: int, kernel: int, stride: int, pads: tuple[int, int], out: int) -> None:
    assert _same((size,), (kernel,), (stride,)) == (list(pads), (out,))
