"""Cameras on loopback that speak HTTP (multipart JPEG) and MPEG-TS."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray


class MjpegServer:
    """JPEG pictures in a loop as multipart/x-mixed-replace, paced at `rate_hz`."""

    def __init__(self, frames: Sequence[bytes], rate_hz: float = 30.0, port: int = 0) -> None:
        self.stalled = threading.Event()
        self.running = True
        self.due_ns: dict[int, int] = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                if self.path.startswith("/missing"):
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=f")
                self.end_headers()
                start_s = time.monotonic()
                with contextlib.suppress(OSError):
                    for number in range(1_000_000):
                        due_s = start_s + number / rate_hz
                        time.sleep(max(0.0, due_s - time.monotonic()))
                        if not outer.running:
                            return
                        if outer.stalled.is_set():
                            continue
                        outer.due_ns[number % len(frames)] = round(due_s * 1e9)
                        data = frames[number % len(frames)]
                        head = f"--f\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                        self.wfile.write(head.encode() + data + b"\r\n")

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/video"

    def close(self) -> None:
        self.running = False
        self._server.shutdown()
        self._server.server_close()


class TransportStreamServer:
    """Pictures in a loop as MPEG-TS with H.264, over "tcp" (to whoever connects) or "udp" (to `address`)."""

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], protocol: str, rate_hz: int = 30) -> None:
        self.due_ns: dict[int, int] = {}
        self.running = True
        self.stalled = threading.Event()
        self._pictures = pictures
        self._protocol = protocol
        self._rate_hz = rate_hz
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        if protocol == "tcp":
            self._socket.listen()
        else:  # the camera's reader binds the port that was free a moment ago
            self._socket.close()
            self._socket = socket.socket(socket.AF_INET, kind)
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        return f"{self._protocol}://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.running = False
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError, av.FFmpegError):
            while self.running:
                if self._protocol == "udp":
                    self._play(lambda data: self._socket.sendto(data, ("127.0.0.1", self.port)))
                else:
                    connection = self._socket.accept()[0]
                    with connection, contextlib.suppress(OSError, av.FFmpegError):
                        self._play(connection.sendall)

    def _play(self, send: Callable[[bytes], object]) -> None:
        height, width = self._pictures[0].shape[:2]
        with av.open(_Pipe(send), "w", format="mpegts", options={"flush_packets": "1", "pat_period": "0.2"}) as muxer:
            options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "15", "g": "10"}
            stream: Any = muxer.add_stream("libx264", rate=self._rate_hz, options=options)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.thread_count = 1
            start_ns = time.monotonic_ns()
            for number in range(1_000_000):
                due_ns = start_ns + number * 1_000_000_000 // self._rate_hz
                time.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
                if not self.running:
                    return
                if self.stalled.is_set():
                    continue
                self.due_ns[number % len(self._pictures)] = due_ns
                frame = av.VideoFrame.from_ndarray(self._pictures[number % len(self._pictures)], format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, self._rate_hz)
                muxer.mux(stream.encode(frame))


class _Pipe:
    """What the muxer writes goes out in pieces that UDP carries whole: 7 transport packets (1316 bytes)."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send = send

    def write(self, data: bytes) -> int:
        for at in range(0, len(data), 1316):
            self._send(data[at : at + 1316])
        return len(data)
