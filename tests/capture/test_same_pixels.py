"""A live camera gives the models the pixels that `egoact replay` gives them of the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.contract import Frame, WindowSpec
from edge.sources.video_track import VideoTrack
from tests.capture.camera_child import SIZE_PX, watch_undisturbed
from tests.capture.shim import DEVICE, jpeg_frames, shim_env, write_frames, yuyv_frames

WIDTH, HEIGHT = 640, 360


@pytest.fixture(scope="module")
def pictures() -> list[NDArray[np.uint8]]:
    """Soft colours that move, and one grey level a picture that tells which it is."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    made = []
    for number in range(30):
        red = 127 + 100 * np.sin(x / 40 + number / 3)
        green = 127 + 100 * np.cos(y / 30 - number / 5)
        blue = np.full_like(red, 20 + 7 * number)
        made.append(np.stack([red, green, blue], axis=-1).astype(np.uint8))
    return made


def recorded(path: Path, codec: str, pixels: str, packets: Sequence[bytes]) -> list[NDArray[np.uint8]]:
    """What replay makes of a clip that holds exactly these packets."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 30)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
    track = VideoTrack(path, WindowSpec(frame_size_px=SIZE_PX))
    images = [event.image for _, event in track.events() if isinstance(event, Frame)]
    track.close()
    return images


@pytest.mark.parametrize(
    ("fourcc", "codec", "pixels", "tolerance"),
    [("MJPG", "mjpeg", "yuvj422p", 0), ("YUYV", "rawvideo", "yuyv422", 4)],
)
def test_live_and_replay_give_the_same_pixels(
    fourcc: str, codec: str, pixels: str, tolerance: int, pictures: list[NDArray[np.uint8]], tmp_path: Path
) -> None:
    packets = jpeg_frames(pictures) if fourcc == "MJPG" else yuyv_frames(pictures)
    replayed = recorded(tmp_path / "clip.avi", codec, pixels, packets)
    assert len(replayed) == 30
    source = write_frames(tmp_path / "frames", packets)
    env = shim_env(source, f"{fourcc}:{WIDTH}x{HEIGHT}@30")
    live = watch_undisturbed(DEVICE, tmp_path, env, seconds=0.9).images
    assert len(live) >= 15
    for number in range(15):
        difference = np.abs(live[number].astype(int) - replayed[number])
        assert difference.max() <= tolerance, f"picture {number}"
        assert difference.mean() <= tolerance / 2  # OpenCV rounds, FFmpeg cuts off
        assert np.abs(live[number].astype(int) - replayed[number + 1]).max() > 10  # and not those of another picture
