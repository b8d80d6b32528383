"""GStreamer pipelines with a stand-in for OpenCV's capture: pip's OpenCV has no GStreamer."""

from __future__ import annotations

import threading
import time
from typing import Any, ClassVar

import cv2
import pytest

from edge.contract import Frame, WindowSpec
from edge.errors import DeviceLostError, SourceError
from edge.sources import pipeline_camera
from edge.sources.pipeline_camera import PipelineCamera
from tests.media import numbered_picture, read_number

SPEC = WindowSpec(frame_size_px=128)


class StandIn:
    """Gives numbered pictures (BGR) at 30 Hz, as many as it has, then ends or hangs."""

    opened: ClassVar[list[str]] = []

    def __init__(self, pipeline: str, backend: int, count: int = 10, hangs: bool = False, starts: bool = True) -> None:
        assert backend == cv2.CAP_GSTREAMER
        self.opened.append(pipeline)
        self._count, self._hangs, self._starts = count, hangs, starts
        self._number = -1
        self.released = threading.Event()

    def isOpened(self) -> bool:
        return self._starts

    def get(self, key: int) -> float:
        return {cv2.CAP_PROP_FRAME_WIDTH: 640.0, cv2.CAP_PROP_FRAME_HEIGHT: 360.0, cv2.CAP_PROP_FPS: 30.0}[key]

    def grab(self) -> bool:
        time.sleep(1 / 30)
        self._number += 1
        if self._number >= self._count and self._hangs:
            self.released.wait(2)
        return self._number < self._count

    def retrieve(self) -> tuple[bool, Any]:
        return True, numbered_picture(self._number, (640, 360))[..., ::-1]

    def release(self) -> None:
        self.released.set()


@pytest.fixture
def with_gstreamer(monkeypatch: pytest.MonkeyPatch) -> Any:
    def use(**behaviour: Any) -> None:
        monkeypatch.setattr(cv2, "getBuildInformation", lambda: "    GStreamer:                   YES (1.20.3)\n")
        monkeypatch.setattr(cv2, "VideoCapture", lambda pipeline, backend: StandIn(pipeline, backend, **behaviour))

    StandIn.opened.clear()
    return use


def read_on(camera: PipelineCamera, frames: list[Frame]) -> None:
    while True:
        frames += camera.read(0.5)


def test_frames_come_upright_in_rgb_on_their_ticks_and_the_end_is_a_loss(with_gstreamer: Any) -> None:
    with_gstreamer(count=12)
    camera = PipelineCamera("gst:nvarguscamerasrc ! nvvidconv", SPEC, latency_ms=20)
    origin_ns = time.monotonic_ns()
    camera.open(origin_ns)
    assert StandIn.opened == [f"nvarguscamerasrc ! nvvidconv ! {pipeline_camera._SINK}"]
    assert camera.facts().format == "GStreamer 640x360 @ 30 Hz"
    frames: list[Frame] = []
    with pytest.raises(DeviceLostError, match="the pipeline ended"):
        read_on(camera, frames)
    assert all(frame.t_ns <= time.monotonic_ns() - origin_ns - 20_000_000 for frame in frames)
    numbers = [read_number(frame.image) for frame in frames]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) >= 8
    assert [frame.tick for frame in frames] == list(range(frames[0].tick, frames[0].tick + len(frames)))


def test_a_pipeline_that_hangs_gives_empty_reads(with_gstreamer: Any) -> None:
    with_gstreamer(count=3, hangs=True)
    camera = PipelineCamera("gst:x ! appsink", SPEC)
    camera.open(time.monotonic_ns())
    assert StandIn.opened == ["x ! appsink"]
    end_s = time.monotonic() + 1
    while camera.read(0.1):
        assert time.monotonic() < end_s
    start_s = time.monotonic()
    assert camera.read(0.1) == ()
    assert time.monotonic() - start_s < 1
    camera.close()
    camera.close()


def test_a_pipeline_that_does_not_start_may_start_later(with_gstreamer: Any) -> None:
    with_gstreamer(starts=False)
    with pytest.raises(DeviceLostError, match=r"does not start; try it with `gst-launch-1\.0`"):
        PipelineCamera("gst:rtspsrc location=rtsp://admin:s3cret@cam/x", SPEC).open(0)


def test_the_password_in_a_pipeline_is_not_shown() -> None:
    camera = PipelineCamera("gst:rtspsrc location=rtsp://admin:s3cret@cam/x ! decodebin", SPEC)
    assert camera.facts().device == "gst:rtspsrc location=rtsp://***@cam/x ! decodebin"


def test_an_opencv_without_gstreamer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "    GStreamer:                   NO\n")
    with pytest.raises(SourceError, match=r"this OpenCV has no GStreamer .* --system-site-packages"):
        PipelineCamera("gst:videotestsrc", SPEC).open(0)
