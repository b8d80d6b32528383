"""The engines' form of the video network computes what the network computes, and saves what it promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from calibration.qdq import quantise
from calibration.ranges import collect_ranges
from edge.engines.openvino import OpenVinoEngine
from export.onnx_graphs import export_video
from export.video_form import EngineVideoNet, FramesAtOnceStem
from tests.export.test_onnx_graphs import clip
from tests.trainer.models.seeded import seed_weights
from trainer.models.slowfast import SlowFast, Stem, slowfast_small
from trainer.models.video_net import VideoNet


@pytest.mark.parametrize(("channels", "taps", "together"), [(8, 5, 2), (4, 3, 4), (16, 5, 1), (6, 1, 2)])
def test_the_stem_makes_the_same_frames(channels: int, taps: int, together: int) -> None:
    stem = Stem(channels, taps, 5).eval()
    seed_weights(stem)
    several = FramesAtOnceStem(stem).eval()
    assert several.together == together
    frames = torch.randn(2, 3, 32, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(several(frames), stem(frames), rtol=0, atol=1e-5)


def test_the_whole_network_and_its_slow_frames() -> None:
    net = VideoNet(SlowFast((1, 1, 1, 1), width=16, beta_inv=8, fusion_kernel=5, crop_px=64, alpha=8)).eval()
    seed_weights(net)
    frames = torch.from_numpy(clip(np.random.default_rng(0), 64))
    with torch.inference_mode():
        for given, expected in zip(EngineVideoNet(net).eval()(frames), net(frames), strict=True):
            torch.testing.assert_close(given, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def test_the_module_given_is_left_as_it_was() -> None:
    net = VideoNet(slowfast_small())
    names = set(net.state_dict())
    EngineVideoNet(net)
    assert set(net.state_dict()) == names


def test_openvino_moves_no_pixel_before_the_stems(tmp_path: Path) -> None:
    """In INT8 the pixels go into the stems as they come: no copy but the slow frames'; ports keep their names."""
    net = VideoNet(slowfast_small())
    seed_weights(net)
    random = np.random.default_rng(0)
    export_video(net, tmp_path / "video.onnx")
    windows = [{"frames": clip(random, 128)} for _ in range(2)]
    scales = collect_ranges(tmp_path / "video.onnx", windows, method="minmax", threads=1)
    quantise(tmp_path / "video.onnx", scales, tmp_path / "int8.onnx", flavour="int8-cpu")
    engine = OpenVinoEngine(tmp_path / "int8.onnx", precision="int8", threads=1)
    assert [port.name for port in engine.spec.inputs] == ["frames"]
    executed = engine._model.get_runtime_model().get_ordered_ops()
    reads_pixels = [
        str(op.get_rt_info()["layerType"].astype(str))
        for op in executed
        if op.get_output_size() and list(op.output(0).shape)[-3:] in ([128, 128, 3], [32, 128, 128], [8, 128, 128])
    ]
    assert sorted(set(reads_pixels)) == ["Gather", "Input", "Reorder"], "Reorder is a change of the description only"


def test_the_cast_is_the_first_node_and_shapes_are_static(tmp_path: Path) -> None:
    export_video(VideoNet(slowfast_small()), tmp_path / "video.onnx")
    graph = onnx.load(tmp_path / "video.onnx").graph
    assert [node.op_type for node in graph.node if "frames" in node.input] == ["Cast"]
    assert not {"Shape", "If", "Loop"} & {node.op_type for node in graph.node}
