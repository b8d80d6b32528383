"""A camera behind a GStreamer pipeline (CSI sensors of a Jetson), through an OpenCV that has GStreamer."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract import Frame, WindowSpec
from edge.errors import DeviceLostError, SourceError
from edge.preprocess import resize_crop
from edge.sources.frame_count import FrameCount
from edge.sources.live_grid import LiveGrid
from edge.sources.network_address import without_secrets
from edge.sources.sensor import SensorFacts
from edge.text import cut

PREFIX = "gst:"

_SINK = "videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1 sync=false"
"""Newest frame only: what nobody took is dropped inside GStreamer."""

_NAME_CELLS = 60


class PipelineCamera:
    """`address`: "gst:" and a pipeline as for gst-launch-1.0; without an appsink one is added. See `Sensor`.

    OpenCV gives no time stamp of these frames: they get the time of arrival, less `latency_ms`.
    """

    def __init__(self, address: str, spec: WindowSpec, latency_ms: float = 0.0) -> None:
        self._pipeline = _with_sink(address.removeprefix(PREFIX).strip())
        self._name = cut(without_secrets(address), _NAME_CELLS)
        self._spec = spec
        self._latency_ns = round(latency_ms * 1e6)
        self._grabber: _Grabber | None = None
        self._format = ""

    def open(self, origin_ns: int) -> None:
        self.close()
        if not _has_gstreamer():
            raise SourceError(
                f"{self._name}: this OpenCV has no GStreamer (pip's never has); use the system's: make the "
                "environment with --system-site-packages and run `pip uninstall opencv-python-headless`"
            )
        capture = cv2.VideoCapture(self._pipeline, cv2.CAP_GSTREAMER)
        if not capture.isOpened():
            raise DeviceLostError(f"{self._name}: the pipeline does not start; try it with `gst-launch-1.0`")
        width, height, rate_hz = (
            capture.get(key) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        )
        self._format = f"GStreamer {width:.0f}x{height:.0f}" + (f" @ {rate_hz:.4g} Hz" if rate_hz > 0 else "")
        self._grid = LiveGrid(self._spec)
        self._count = FrameCount(rate_hz)
        self._origin_ns = origin_ns
        self._grabber = _Grabber(capture)

    def read(self, timeout_s: float) -> tuple[Frame, ...]:
        if self._grabber is None:
            raise DeviceLostError(f"{self._name}: is not open")
        end_s = time.monotonic() + timeout_s
        while True:
            newest = self._grabber.newest(max(0.0, end_s - time.monotonic()))
            if newest is not None:
                t_ns = newest[0] - self._latency_ns - self._origin_ns
                self._count.push(t_ns)
                if self._grid.needs(t_ns):
                    rgb: Any = cv2.cvtColor(newest[1], cv2.COLOR_BGR2RGB)
                    return tuple(self._grid.fill(t_ns, resize_crop(rgb, self._spec.frame_size_px)))
            elif self._grabber.ended:
                self.close()
                raise DeviceLostError(f"{self._name}: the pipeline ended; check the camera's cable and power")
            if time.monotonic() >= end_s:
                return ()

    def facts(self) -> SensorFacts:
        if self._grabber is None:
            return SensorFacts(self._name, self._format, "")
        return SensorFacts(
            self._name,
            self._format,
            "arrival",
            delivered=self._count.delivered + self._grabber.dropped,
            lost=self._count.lost,
            dropped=self._grabber.dropped,
            rate_hz=self._count.rate_hz,
        )

    def close(self) -> None:
        if self._grabber is not None:
            self._grabber.close()
        self._grabber = None


class _Grabber:
    """Takes frames in a thread of its own: OpenCV's read waits for ever when a pipeline stalls."""

    def __init__(self, capture: Any) -> None:
        self._capture = capture
        self._changed = threading.Condition()
        self._newest: tuple[int, NDArray[np.uint8]] | None = None
        self._stopped = False
        self.ended = False
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="pipeline reader", daemon=True)
        self._thread.start()

    def newest(self, timeout_s: float) -> tuple[int, NDArray[np.uint8]] | None:
        """(monotonic ns of arrival, BGR [H, W, 3]) of the newest frame that was not taken yet."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self.ended, timeout_s)
            newest, self._newest = self._newest, None
            return newest

    def close(self) -> None:
        self._stopped = True
        self._thread.join(0.2)

    def _run(self) -> None:
        while not self._stopped:
            grabbed = self._capture.grab()
            arrival_ns = time.monotonic_ns()
            picture = self._capture.retrieve()[1] if grabbed else None
            with self._changed:
                self.ended = picture is None
                if picture is not None:
                    self.dropped += self._newest is not None
                    self._newest = (arrival_ns, picture)
                self._changed.notify_all()
            if picture is None:
                break
        self._capture.release()


def _with_sink(pipeline: str) -> str:
    return pipeline if re.search(r"\bappsink\b", pipeline) else f"{pipeline} ! {_SINK}"


def _has_gstreamer() -> bool:
    return bool(re.search(r"GStreamer:\s+YES", cv2.getBuildInformation()))
