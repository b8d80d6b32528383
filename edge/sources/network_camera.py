"""A camera on the network: RTSP, MJPEG over HTTP, MPEG-TS over UDP or TCP, through FFmpeg."""

from __future__ import annotations

import time
from typing import Any

import av
from av.container import InputContainer

from edge.contract import NS_PER_S, Frame, WindowSpec
from edge.errors import DeviceLostError, SourceError
from edge.sources.frame_count import FrameCount
from edge.sources.frame_decoder import CodecDecoder
from edge.sources.frame_stamp import SenderStamps
from edge.sources.grid_frames import GridFrames
from edge.sources.network_address import masked, scheme_of
from edge.sources.packet_reader import PacketReader, TimedPacket
from edge.sources.sensor import SensorFacts
from edge.text import printable

_OPEN_TIMEOUT_S = 5.0
SILENCE_S = 3.0
"""A server that sends nothing for this long is gone; a shorter stall only gives empty reads."""

_STALE_NS = NS_PER_S
"""Frames older than this, against the fastest that came, are left over from a stall: they are not converted."""

_NO_SENDER_TIME = ("mpjpeg", "mjpeg", "jpeg_pipe")
"""Formats without time stamps: FFmpeg invents 25 frames a second for them."""

_HELD_BACK = ("rtsp", "mpegts")
"""Formats in which only the next frame's beginning tells FFmpeg that a frame is complete (JPEG tells it itself)."""

_OPTIONS = {
    # A playlist or a redirect must not lead to files of this machine.
    "protocol_whitelist": "rtsp,rtsps,rtp,http,https,httpproxy,tls,tcp,udp,crypto",
    "fflags": "nobuffer",
    "analyzeduration": "1000000",  # us: FFmpeg's own 5 s would be frames that are old when they come
}
_RTSP_OPTIONS = {
    "rtsp_transport": "tcp",  # lost UDP packets ruin frames until the next key frame
    "allowed_media_types": "video",
}


class NetworkCamera:
    """`address`: rtsp(s)://, http(s)://, udp:// or tcp:// (these two: MPEG-TS). See `Sensor` for the protocol.

    `latency_ms`: what camera and network need at the least, taken off every time stamp. User and password of the
    address are shown nowhere.
    """

    def __init__(self, address: str, spec: WindowSpec, latency_ms: float = 0.0) -> None:
        self._address = address
        self._name = masked(address)
        self._spec = spec
        self._latency_ns = round(latency_ms * 1e6)
        self._reader: PacketReader | None = None
        self._format = ""

    def open(self, origin_ns: int) -> None:
        self.close()
        container = self._connect()
        stream = container.streams.best("video")
        if stream is None or stream.codec_context is None:
            container.close()
            raise SourceError(
                f"{self._name}: sends no video that can be decoded; choose the camera's H.264 or MJPEG stream"
            )
        codec: Any = stream.codec_context
        trusted = container.format.name not in _NO_SENDER_TIME
        rate_hz = float(stream.average_rate or 0) if trusted else 0.0
        rate = f" @ {rate_hz:.4g} Hz" if rate_hz else ""
        self._format = f"{codec.name} {codec.width}x{codec.height}{rate}"
        decoder = CodecDecoder(codec.codec.name, codec.extradata)
        self._frames = GridFrames(self._spec, decoder)
        self._stamps = SenderStamps(trusted, container.format.name in _HELD_BACK and not decoder.skippable)
        self._count = FrameCount(rate_hz)
        self._origin_ns = origin_ns
        self._dropped = 0
        self._age_ms = 0.0
        self._reader = PacketReader(container, stream)

    def _connect(self) -> InputContainer:
        av.logging.set_level(None)  # libav must not write on the terminal, least of all an address with a password
        scheme = scheme_of(self._address)
        transport_stream = scheme in ("udp", "tcp")
        options = dict(_OPTIONS)
        if scheme.startswith("rtsp"):
            options |= _RTSP_OPTIONS
        if transport_stream:
            options["fflags"] += "+noparse"  # its packets are whole frames; the parser would hold each back once more
        start_s = time.monotonic()
        try:
            return av.open(
                self._address,
                format="mpegts" if transport_stream else None,
                options=options,
                timeout=(_OPEN_TIMEOUT_S, SILENCE_S),
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            timed_out = time.monotonic() - start_s > 0.9 * min(SILENCE_S, _OPEN_TIMEOUT_S)
            raise _open_error(self._name, error, timed_out) from None  # its text would show the password

    def read(self, timeout_s: float) -> tuple[Frame, ...]:
        if self._reader is None:
            raise DeviceLostError(f"{self._name}: is not open")
        end_s = time.monotonic() + timeout_s
        while True:
            try:
                packets = self._reader.take(max(0.0, end_s - time.monotonic()))
            except EOFError as end:
                self.close()
                raise DeviceLostError(f"{self._name}: {end}; check the camera and the network") from None
            frames = self._decode(packets)
            if frames or time.monotonic() >= end_s:
                return tuple(frames)

    def _decode(self, packets: list[TimedPacket]) -> list[Frame]:
        frames: list[Frame] = []
        for packet in packets:  # all of them first: a burst after a stall is placed by its last, least delayed packet
            self._stamps.observe(packet.sender_ns, packet.arrival_ns)
        for packet in packets:
            seen_ns = self._stamps.time_ns(packet.sender_ns, packet.arrival_ns)
            self._age_ms = (packet.arrival_ns - seen_ns) / 1e6
            t_ns = seen_ns - self._latency_ns - self._origin_ns
            self._count.push(t_ns)
            stale = time.monotonic_ns() - seen_ns > _STALE_NS
            self._dropped += stale
            frames += self._frames.push(packet.data, t_ns, wanted=not stale)
        return frames

    def facts(self) -> SensorFacts:
        if self._reader is None:
            return SensorFacts(self._name, self._format, "")
        return SensorFacts(
            self._name,
            self._format,
            str(self._stamps),
            delivered=self._count.delivered,
            corrupt=self._frames.corrupt,
            lost=self._count.lost,
            dropped=self._dropped + self._reader.dropped,
            rate_hz=self._count.rate_hz,
            drift_ppm=self._stamps.drift_ppm,
            age_ms=self._age_ms,
        )

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None


def _open_error(name: str, error: Exception, timed_out: bool) -> SourceError:
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return SourceError(f"{name}: refuses user or password; give them as scheme://USER:PASSWORD@host/path")
    if isinstance(error, av.error.HTTPNotFoundError):
        return SourceError(f"{name}: has no such stream; check the path in the camera's manual")
    if isinstance(error, av.error.ExitError) or timed_out:
        return DeviceLostError(f"{name}: does not answer; check that the camera is on and the address is right")
    if isinstance(error, av.error.InvalidDataError | ValueError):
        return SourceError(f"{name}: answers, but not with video; check the path and the kind of stream")
    reason = printable(getattr(error, "strerror", None) or type(error).__name__)
    return DeviceLostError(
        f"{name}: cannot be reached ({reason}); check that the camera is on and the address is right"
    )
