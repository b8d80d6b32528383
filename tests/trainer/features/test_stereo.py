from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from edge.cli import main
from edge.errors import UsageError
from edge.preprocess import resize_crop
from tests.tiny_bundle import make_bundle
from tests.trainer.weights.checkpoints import write_slowfast
from trainer.features.float_rows import float_pixels
from trainer.features.stereo import left_float_pixels, left_resize_crop, left_view, stereo_videos
from trainer.features.store import FeatureStore
from trainer.features.tasks import Task


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_video(path: Path, pictures: list[np.ndarray]) -> Path:
    """Without loss, so that the left half of a picture is exactly the picture of its left half."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pair.mkv is left.mkv beside other pictures."""
    folder = tmp_path_factory.mktemp("videos")
    lefts = [noise(48, 64, seed) for seed in range(34)]
    write_video(folder / "left.mkv", lefts)
    write_video(folder / "pair.mkv", [np.hstack([left, noise(48, 64, 99)]) for left in lefts])
    return folder


def metadata(folder: Path, **is_stereo: bool) -> Path:
    path = folder / "ego4d.json"
    entries = [{"video_uid": uid, "is_stereo": flag, "duration_sec": 1.0} for uid, flag in is_stereo.items()]
    path.write_text(json.dumps({"version": "v2", "videos": entries}))
    return path


@pytest.mark.parametrize(("height", "width"), [(48, 128), (49, 97), (60, 60), (64, 100)])
def test_the_left_half_is_taken_as_it_is(height: int, width: int) -> None:
    """Also where the half is taller than wide: only the shape of the whole frame tells a squeezed one."""
    rgb = noise(height, width)
    np.testing.assert_array_equal(left_view(rgb), rgb[:, : width // 2])


@pytest.mark.parametrize(("height", "width"), [(128, 72), (101, 67), (61, 60)])
def test_a_frame_taller_than_wide_is_stretched(height: int, width: int) -> None:
    rgb = noise(height, width)
    half = torch.from_numpy(rgb[:, : width // 2]).permute(2, 0, 1)[None].float()
    size = (width // 2, height // 2)
    expected = torch.nn.functional.interpolate(half, size=size, mode="bilinear")[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(left_view(rgb.astype(np.float32)), expected, atol=5e-3)  # of 255: 1e-4 once normalised
    assert left_view(rgb).dtype == np.uint8
    assert np.abs(left_view(rgb).astype(np.float32) - expected).max() < 1.0


def test_then_comes_what_every_frame_goes_through() -> None:
    rgb, squeezed = noise(48, 128), noise(128, 72)
    np.testing.assert_array_equal(left_resize_crop(rgb, 32), resize_crop(rgb[:, :64], 32))
    np.testing.assert_array_equal(left_float_pixels(rgb, 32), float_pixels(rgb[:, :64], 32))
    exact = float_pixels(left_view(squeezed.astype(np.float32)), 32)
    np.testing.assert_array_equal(left_float_pixels(squeezed, 32), exact)
    assert not np.array_equal(exact, float_pixels(left_view(squeezed), 32))  # nothing is rounded on the way


@pytest.mark.parametrize("pixels", ["uint8", "float"])
def test_a_stereo_video_gives_the_features_of_its_left_view(videos: Path, tmp_path: Path, pixels: str) -> None:
    video = write_slowfast(tmp_path / "net.pyth", None, res4_blocks=6)
    network = ["--video", "slowfast8x8_r50", "--video-weights", str(video), "--engine", "torch", "--audio", "none"]
    stereo = ["--stereo", str(metadata(tmp_path, left=False, pair=True))]
    command = ["features", str(videos), *network, "--pixels", pixels, "--threads", "1"]
    assert main([*command, *stereo, "--out", str(tmp_path / "listed")]) == 0
    store = FeatureStore.open(tmp_path / "listed")
    left, pair = store.video("left.mkv"), store.video("pair.mkv")
    assert len(left.start_tick) == 2
    assert left.motion.any()
    np.testing.assert_array_equal(pair.appearance, left.appearance)
    np.testing.assert_array_equal(pair.motion, left.motion)
    assert store.spec["stereo"] == "listed"


def test_all_videos_are_stereo_or_none(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = make_bundle(tmp_path / "bundle").path
    command = ["features", str(videos / "pair.mkv"), "--video", "small", "--audio", "none", "--bundle", str(bundle)]
    for name, option in (("plain", []), ("left", ["--stereo", "all"])):
        assert main([*command, *option, "--out", str(tmp_path / name)]) == 0
    plain, left = (FeatureStore.open(tmp_path / name).video("pair.mkv") for name in ("plain", "left"))
    assert not np.array_equal(plain.appearance, left.appearance)
    assert main([*command, "--out", str(tmp_path / "left")]) == 1  # the two are never mixed in one store
    assert "holds features of another spec" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file"),
        ("{", "cannot be read"),
        ('{"videos": [{"video_uid": "a"}]}', "no entry 'is_stereo'"),
        ('{"clips": []}', "no entry 'videos'"),
        ('["a"]', "cannot be read"),
        ('{"videos": [{"video_uid": "b", "is_stereo": true}]}', "says nothing of a.mp4"),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path: Path, content: str | None, told: str) -> None:
    path = tmp_path / "ego4d.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=told) as caught:
        stereo_videos(path, [Task("a.mp4", tmp_path / "a.mp4")])
    assert "\n" not in str(caught.value)
