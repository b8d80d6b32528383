from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edge.contract import WindowSpec
from edge.errors import SourceError
from tests.trainer.features.clip import write_clip
from trainer.features.backbones import BeatsAudio, torch_on
from trainer.features.extract import extract_clip_sounds, extract_video
from trainer.features.frame_cache import decode_clip
from trainer.models.beats import beats_small
from trainer.models.fbank import Fbank
from trainer.models.slowfast import SlowFast
from trainer.models.video_net import VideoNet

SPEC = WindowSpec(frame_size_px=64)


@pytest.fixture(scope="module")
def nets() -> tuple[VideoNet, Fbank, torch.nn.Module]:
    torch.manual_seed(0)
    video = VideoNet(SlowFast((1, 1, 1, 1), width=8, beta_inv=2, crop_px=64))
    return video.eval(), Fbank(), beats_small().eval()


def test_equals_the_whole_clip_cut_by_hand(nets: tuple, tmp_path: Path) -> None:
    """All frames and samples of the clip at once, sliced by the rules that the contract states."""
    path = write_clip(tmp_path / "clip.mp4", ticks=90, tone_hz=440)
    found = extract_video(path, SPEC, *nets, batch_rows=2)
    frames, samples = decode_clip(path, SPEC, tmp_path / "cache")
    starts = [0, 16, 32, 48, 58]
    assert found.start_tick.tolist() == starts
    assert found.t_start_s == pytest.approx([s / 30 for s in starts])
    padded = np.concatenate([np.zeros(40_000, np.float32), samples, np.zeros(40_000, np.float32)])
    for row, start in enumerate(starts):
        end = (start + 32) * 16000 // 30
        window = padded[40_000 + end - 34133 : 40_000 + end]
        with torch.inference_mode():
            appearance, motion = nets[0](torch.from_numpy(np.array(frames[start : start + 32]))[None])
            audio = nets[2](nets[1](torch.from_numpy(window)[None]))
        np.testing.assert_allclose(found.appearance[row], appearance[0], atol=1e-5)
        np.testing.assert_allclose(found.motion[row], motion[0], atol=1e-5)
        np.testing.assert_allclose(found.audio[row], audio[0], atol=1e-5)
    assert found.audio_coverage.tolist() == pytest.approx([0.5, 0.75, 1, 1, 1], abs=2e-3)


@pytest.mark.parametrize("tone_hz", [None, 0])
def test_no_track_and_a_silent_track_give_zeros(nets: tuple, tmp_path: Path, tone_hz: int | None) -> None:
    found = extract_video(write_clip(tmp_path / "clip.mp4", ticks=40, tone_hz=tone_hz), SPEC, *nets)
    assert len(found.start_tick) == 2
    assert found.appearance.any()
    assert not found.audio.any()
    assert not found.audio_coverage.any()


def test_decoding_happens_once(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", ticks=40, tone_hz=440)
    first = decode_clip(path, SPEC, tmp_path / "cache")
    assert first.frames.shape == (40, 64, 64, 3)
    assert len(first.samples) == pytest.approx(40 * 16000 / 30, abs=2000)
    path.unlink()
    again = decode_clip(path, SPEC, tmp_path / "cache")
    np.testing.assert_array_equal(again.frames, first.frames)


def test_a_clip_that_cannot_be_read_is_a_source_error(nets: tuple, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_text("no video")
    with pytest.raises(SourceError):
        extract_video(tmp_path / "clip.mp4", SPEC, *nets)


def test_clips_of_rows_have_their_own_stretch_of_sound(nets: tuple, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", ticks=150, tone_hz=440)
    _, samples = decode_clip(path, SPEC, tmp_path / "cache")
    starts = SPEC.row_starts(150)
    audio = BeatsAudio(nets[1], nets[2], torch_on("cpu"))
    found = extract_clip_sounds(path, [(0, 0), (2, 6)], starts, SPEC, audio)
    for row, (begin, end) in enumerate([(0, 32 * 16000 // 30), (32 * 16000 // 30, 128 * 16000 // 30)]):
        with torch.inference_mode():
            expected = nets[2](nets[1](torch.from_numpy(samples[begin:end])[None]))
        np.testing.assert_allclose(found.audio[row], expected[0], atol=1e-5)
    assert found.coverage.tolist() == [1.0, 1.0]
    assert extract_clip_sounds(path, [], starts, SPEC, audio).audio.shape == (0, audio.dim)
    with pytest.raises(ValueError, match=r"rows 9\.\.99"):
        extract_clip_sounds(path, [(9, 99)], starts, SPEC, audio)
