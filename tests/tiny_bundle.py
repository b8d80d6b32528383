"""A bundle of four hand-made graphs whose answers can be worked out on paper.

appearance = mean RGB of the row / 255, motion = mean grey of the first and of the last frame / 255,
audio = (mean of |samples|, 1), logits favour 'red', 'green', 'blue' by appearance and 'loud' by audio.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge.bundle import Bundle, FeatureDims, Thresholds, write_bundle
from edge.contract import WindowSpec

LABELS = ("idle", "red", "green", "blue", "loud")
SPEC = WindowSpec(frame_size_px=32)
DIMS = FeatureDims(appearance=3, motion=2, audio=2)
GAIN = 20.0


def make_bundle(path: Path, *, spec: WindowSpec = SPEC, thresholds: Thresholds | None = None) -> Bundle:
    path.mkdir(parents=True, exist_ok=True)
    _save(path / "video.onnx", *_video(spec))
    _save(path / "fbank.onnx", *_fbank(spec))
    _save(path / "audio.onnx", *_audio())
    _save(path / "head.onnx", *_head(spec))
    return write_bundle(
        path,
        labels=LABELS,
        background_label="idle",
        window=spec,
        feature_dims=DIMS,
        temperatures={"f32": 1.0},
        thresholds=thresholds or Thresholds(),
        provenance={"name": "tiny"},
    )


def _save(path: Path, nodes: list, inputs: list, outputs: list, constants: dict[str, np.ndarray]) -> None:
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(*port) for port in inputs],
        [helper.make_tensor_value_info(*port) for port in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _video(spec: WindowSpec) -> tuple:
    size = spec.frame_size_px
    nodes = [
        helper.make_node("Cast", ["frames"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "full"], ["unit"]),
        helper.make_node("ReduceMean", ["unit"], ["appearance"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("ReduceMean", ["unit"], ["grey"], axes=[2, 3, 4], keepdims=0),
        helper.make_node("Gather", ["grey", "ends"], ["motion"], axis=1),
    ]
    inputs = [("frames", TensorProto.UINT8, [1, spec.row_frames, size, size, 3])]
    outputs = [("appearance", TensorProto.FLOAT, [1, 3]), ("motion", TensorProto.FLOAT, [1, 2])]
    return nodes, inputs, outputs, {"full": np.float32([255]), "ends": np.array([0, spec.row_frames - 1])}


def _fbank(spec: WindowSpec) -> tuple:
    nodes = [
        helper.make_node("Abs", ["waveform"], ["loud"]),
        helper.make_node("ReduceMean", ["loud"], ["fbank"], axes=[1], keepdims=1),
    ]
    inputs = [("waveform", TensorProto.FLOAT, [1, spec.clip_audio_samples])]
    return nodes, inputs, [("fbank", TensorProto.FLOAT, [1, 1])], {}


def _audio() -> tuple:
    nodes = [helper.make_node("Concat", ["fbank", "one"], ["audio"], axis=1)]
    one = {"one": np.ones((1, 1), np.float32)}
    return nodes, [("fbank", TensorProto.FLOAT, [1, 1])], [("audio", TensorProto.FLOAT, [1, 2])], one


def _head(spec: WindowSpec) -> tuple:
    rows = spec.clip_rows
    appearance = np.zeros((3 * rows, len(LABELS)), np.float32)
    for row in range(rows):
        for colour in range(3):
            appearance[3 * row + colour, 1 + colour] = GAIN / rows
    audio = np.zeros((2, len(LABELS)), np.float32)
    audio[0, 4] = 3 * GAIN
    idle = np.zeros((1, len(LABELS)), np.float32)
    idle[0, 0] = 0.4 * GAIN
    nodes = [
        helper.make_node("MatMul", ["appearance", "w_appearance"], ["seen"]),
        helper.make_node("MatMul", ["motion", "w_motion"], ["moved"]),
        helper.make_node("MatMul", ["audio", "w_audio"], ["heard"]),
        helper.make_node("Split", ["mask"], ["m_appearance", "m_motion", "m_audio"], axis=1),
        helper.make_node("Mul", ["m_appearance", "seen"], ["a"]),
        helper.make_node("Mul", ["m_motion", "moved"], ["b"]),
        helper.make_node("Mul", ["m_audio", "heard"], ["c"]),
        helper.make_node("Sum", ["a", "b", "c", "w_idle"], ["logits"]),
    ]
    inputs = [
        ("appearance", TensorProto.FLOAT, [1, 3 * rows]),
        ("motion", TensorProto.FLOAT, [1, 2 * rows]),
        ("audio", TensorProto.FLOAT, [1, 2]),
        ("mask", TensorProto.FLOAT, [3, 3]),
    ]
    constants = {
        "w_appearance": appearance,
        "w_motion": np.zeros((2 * rows, len(LABELS)), np.float32),
        "w_audio": audio,
        "w_idle": idle,
    }
    return nodes, inputs, [("logits", TensorProto.FLOAT, [3, len(LABELS)])], constants
