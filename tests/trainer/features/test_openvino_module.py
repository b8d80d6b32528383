from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edge.errors import EngineError
from trainer.features.backbones import BeatsAudio, SlowFastVideo, torch_on
from trainer.features.openvino_module import OpenVinoModule, on_openvino
from trainer.models.beats import Beats
from trainer.models.fbank import Fbank
from trainer.models.slowfast import Bottleneck, SlowFast
from trainer.models.video_net import VideoNet


def test_slowfast_gives_what_pytorch_gives_for_raw_and_for_float_pixels() -> None:
    torch.manual_seed(0)
    net = SlowFast((1, 1, 1, 1), width=8, beta_inv=4, crop_px=64, num_classes=5)
    for block in net.modules():
        if isinstance(block, Bottleneck):
            nn.init.constant_(block.norm_c.weight, 0.3)
    video_net = VideoNet(net).eval()
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 64, 64, 3), dtype=np.uint8)
    pixels = ((frames.transpose(0, 4, 1, 2, 3) / 255 - 0.45) / 0.225).astype(np.float32)
    for values in (frames, pixels):
        expected = SlowFastVideo(video_net, torch_on("cpu"))(values)
        found = SlowFastVideo(video_net, on_openvino(1))(values)
        for name in ("appearance", "motion", "scores"):
            reference = getattr(expected, name)
            np.testing.assert_allclose(getattr(found, name), reference, atol=1e-5 * np.abs(reference).max())


def test_beats_gives_what_pytorch_gives_even_for_a_tone_over_quiet_noise() -> None:
    """In bfloat16, OpenVINO's own choice on some processors, the log-mel of this signal is off by several units."""
    torch.manual_seed(0)
    beats = Beats(dim=16, layers=1, heads=2, ffn=32, patch_embed=8, num_classes=4).eval()
    time_s = np.arange(16_000) / 16_000
    noise = np.random.default_rng(0).normal(scale=1e-3, size=(2, 16_000))
    samples = (0.3 * np.sin(2 * np.pi * 300 * time_s) + noise).astype(np.float32)
    expected = BeatsAudio(Fbank(), beats, torch_on("cpu"))(samples)
    found = BeatsAudio(Fbank(), beats, on_openvino(1))(samples)
    np.testing.assert_allclose(found.audio, expected.audio, atol=1e-4)
    assert expected.scores is not None
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)


def test_what_cannot_be_traced_is_one_line() -> None:
    class Data(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values if values.sum().item() > 0 else -values

    with pytest.raises(EngineError, match="use --engine torch") as caught:
        OpenVinoModule(Data(), 1)(np.zeros((1, 2), np.float32))
    assert "\n" not in str(caught.value)
