"""Network cameras against servers on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from edge.contract import NS_PER_S
from tests.capture.camera_child import Watched, watch
from tests.capture.rtsp_server import RtspServer
from tests.capture.shim import h264_frames, jpeg_frames
from tests.capture.stream_servers import MjpegServer, TransportStreamServer
from tests.media import numbered_picture, read_number

PICTURES = [numbered_picture(number, (320, 180)) for number in range(300)]
TICK_NS = NS_PER_S / 30
SECRET = "s3cret"


@pytest.fixture(scope="module")
def h264() -> list[bytes]:
    return h264_frames(PICTURES)


@pytest.fixture(scope="module")
def jpeg() -> list[bytes]:
    return jpeg_frames(PICTURES)


def errors_ms(seen: Watched, due_ns: dict[int, int]) -> list[float]:
    """How much later than it was due each frame (shown for the first time) is placed on stream time."""
    placed = {read_number(image): frame.t_ns for frame, image in zip(seen.frames, seen.images, strict=True)}
    return [(t_ns + seen.origin_ns - due_ns[number]) / 1e6 for number, t_ns in placed.items()]


def test_rtsp_frames_are_placed_by_the_senders_clock_whatever_the_network_does(
    h264: list[bytes], tmp_path: Path
) -> None:
    with closing(RtspServer(h264, jitter_s=0.06)) as server:
        seen = watch(server.address, tmp_path, seconds=3.5)
    assert seen.facts["clock"] == "sender"
    assert seen.facts["format"].startswith("h264 320x180")
    assert len(seen.frames) > 40
    late = np.array(errors_ms(seen, server.due_ns))
    assert np.ptp(late[-20:]) < 10
    assert -1 < np.median(late[-20:]) < 30
    read_late = np.array([frame.read_ns - frame.t_ns for frame in seen.frames[-20:]]) / 1e6
    assert np.ptp(read_late) > 30  # the jitter was really there


def test_rtsp_asks_for_the_password_and_never_shows_it(h264: list[bytes], tmp_path: Path) -> None:
    with closing(RtspServer(h264, login=f"admin:{SECRET}")) as server:
        seen = watch(server.address, tmp_path, seconds=1.5)
        assert len(seen.frames) > 5
        assert seen.facts["device"] == server.address.replace(f"admin:{SECRET}", "***")
        refused = watch(server.address.replace(SECRET, SECRET + "x"), tmp_path, seconds=1.5)
        ((kind, message, _),) = refused.errors
        assert kind == "SourceError"
        assert "refuses user or password" in message
        assert SECRET not in message
    gone = watch(server.address, tmp_path, seconds=1.5)
    assert gone.errors[0][0] == "DeviceLostError"
    assert SECRET not in str(gone.errors)


def test_a_short_stall_gives_empty_reads_and_the_stream_goes_on(h264: list[bytes], tmp_path: Path) -> None:
    with closing(RtspServer(h264)) as server:
        threading.Timer(2.5, server.stalled.set).start()
        threading.Timer(3.3, server.stalled.clear).start()
        seen = watch(server.address, tmp_path, seconds=4.5, timeout_s=0.1)
    assert not seen.errors
    assert max(np.diff([frame.tick for frame in seen.frames])) >= 8
    assert seen.empty_reads >= 3
    assert seen.frames[-1].t_ns > 4 * NS_PER_S


def test_a_dead_server_is_lost_and_found_again(jpeg: list[bytes], tmp_path: Path) -> None:
    server = MjpegServer(jpeg)
    address, port = server.address, int(server.address.rsplit(":", 1)[1].split("/")[0])
    again: list[MjpegServer] = []
    threading.Timer(2.5, server.close).start()
    threading.Timer(3.5, lambda: again.append(MjpegServer(jpeg, port=port))).start()
    seen = watch(address, tmp_path, seconds=5.5, reopen=True)
    again[0].close()
    assert {kind for kind, _, _ in seen.errors} == {"DeviceLostError"}
    assert len(seen.opened_s) == 2
    assert seen.frames[-1].read_ns > 4.5 * NS_PER_S


def test_http_mjpeg_is_stamped_on_arrival(jpeg: list[bytes], tmp_path: Path) -> None:
    with closing(MjpegServer(jpeg)) as server:
        seen = watch(server.address, tmp_path, seconds=2)
        missing = watch(server.address.replace("/video", f"/missing?password={SECRET}"), tmp_path, seconds=1)
    assert seen.facts["clock"] == "arrival"
    assert abs(seen.facts["rate_hz"] - 30) < 2
    assert len(seen.frames) > 25
    late = np.array(errors_ms(seen, server.due_ns))
    assert -1 < np.median(late) < 60
    assert missing.errors[0][0] == "SourceError"
    assert "has no such stream" in missing.errors[0][1]
    assert SECRET not in missing.errors[0][1]


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_mpeg_ts(protocol: str, tmp_path: Path) -> None:
    with closing(TransportStreamServer(PICTURES, protocol)) as server:
        seen = watch(server.address, tmp_path, seconds=3)
    assert not seen.errors
    assert seen.facts["clock"] == "sender"
    assert len(seen.frames) > 20
    late = np.array(errors_ms(seen, server.due_ns))
    assert np.ptp(late[-15:]) < 10
    assert -5 < np.median(late[-15:]) < 30  # though FFmpeg hands every frame on only when the next begins


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Accepts connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


def test_a_server_that_never_answers_is_lost_in_time(silent_port: int, tmp_path: Path) -> None:
    seen = watch(f"rtsp://admin:{SECRET}@127.0.0.1:{silent_port}/x", tmp_path, seconds=1)
    ((kind, message, at_s),) = seen.errors
    assert kind == "DeviceLostError"
    assert "does not answer" in message
    assert SECRET not in message
    assert at_s < 8
