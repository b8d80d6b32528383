"""A small RTSP camera on loopback: H.264 as RTP interleaved in the RTSP connection (RFC 2326, 3550, 6184)."""

from __future__ import annotations

import base64
import contextlib
import random
import re
import socketserver
import struct
import threading
import time
from collections.abc import Sequence

_MAX_PAYLOAD = 1400
_CLOCK_HZ = 90_000
_FU_A = 28


class RtspServer:
    """Plays access units (Annex B, headers before key frames) in a loop at `rate_hz` to everyone who asks.

    `jitter_s`: every frame is sent late by up to this much, though its time stamp is right.
    `login`: "user:password", asked for by basic authentication.
    """

    def __init__(
        self, frames: Sequence[bytes], rate_hz: float = 30.0, jitter_s: float = 0.0, login: str | None = None
    ) -> None:
        self.frames = [split_nals(frame) for frame in frames]
        self.rate_hz = rate_hz
        self.jitter_s = jitter_s
        self.login = login
        self.stalled = threading.Event()
        """While set, nothing is sent and frames are lost, as when a camera hangs."""
        self.due_ns: dict[int, int] = {}
        """Monotonic time at which the frame of each number was due (the last time that it was)."""
        outer = self

        class Handler(_Session):
            server_state = outer

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.running = True

    @property
    def address(self) -> str:
        login = f"{self.login}@" if self.login else ""
        return f"rtsp://{login}127.0.0.1:{self._server.server_address[1]}/cam"

    def close(self) -> None:
        """Refuse new connections and break off those that are open."""
        self.running = False
        self._server.shutdown()
        self._server.server_close()


def split_nals(frame: bytes) -> list[bytes]:
    """The NAL units of an access unit in Annex B form."""
    return [nal.rstrip(b"\0") for nal in re.split(rb"\x00\x00\x01", frame) if nal.rstrip(b"\0")]


class _Session(socketserver.StreamRequestHandler):
    server_state: RtspServer

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while request := self._request():
                self._answer(*request)

    def _request(self) -> tuple[str, dict[str, str]] | None:
        line = self.rfile.readline().decode()
        headers: dict[str, str] = {}
        while (header := self.rfile.readline().decode().strip()) != "":
            name, _, value = header.partition(":")
            headers[name.strip().lower()] = value.strip()
        return (line.split()[0], headers) if line.strip() else None

    def _answer(self, method: str, headers: dict[str, str]) -> None:
        state = self.server_state
        reply, body, status = [f"CSeq: {headers['cseq']}"], "", "200 OK"
        expected = "Basic " + base64.b64encode((state.login or "").encode()).decode()
        if method == "OPTIONS":
            reply.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
        elif state.login and headers.get("authorization") != expected:
            status = "401 Unauthorized"
            reply.append('WWW-Authenticate: Basic realm="camera"')
        elif method == "DESCRIBE":
            body = self._description()
            reply += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        elif method == "SETUP":
            reply += ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"]
        elif method == "PLAY":
            reply += ["Session: 1", "RTP-Info: url=track0;seq=0;rtptime=0"]
        self.wfile.write(("\r\n".join([f"RTSP/1.0 {status}", *reply, "", ""]) + body).encode())
        if method == "PLAY":
            self._play()
        if method == "TEARDOWN":
            raise ValueError("end of session")

    def _description(self) -> str:
        headers = [base64.b64encode(nal).decode() for nal in self.server_state.frames[0] if nal[0] & 0x1F in (7, 8)]
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=camera", "c=IN IP4 0.0.0.0", "t=0 0", "m=video 0 RTP/AVP 96"]
        lines += ["a=rtpmap:96 H264/90000", f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={','.join(headers)}"]
        return "\r\n".join([*lines, "a=control:track0", ""])

    def _play(self) -> None:
        state = self.server_state
        start_ns, sequence, late = time.monotonic_ns(), 0, random.Random(1)
        for number in range(1_000_000):
            due_ns = start_ns + round(number * 1e9 / state.rate_hz)
            time.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9 + late.uniform(0, state.jitter_s)))
            if not state.running:
                return
            if state.stalled.is_set():
                continue
            state.due_ns[number % len(state.frames)] = due_ns
            nals = state.frames[number % len(state.frames)]
            stamp = round(number * _CLOCK_HZ / state.rate_hz)
            payloads = [payload for nal in nals for payload in _payloads(nal)]
            for place, payload in enumerate(payloads):
                marker = 0x80 if place == len(payloads) - 1 else 0
                header = struct.pack(">BBHII", 0x80, marker | 96, sequence & 0xFFFF, stamp & 0xFFFFFFFF, 7)
                sequence += 1
                self.wfile.write(struct.pack(">cBH", b"$", 0, len(header) + len(payload)) + header + payload)


def _payloads(nal: bytes) -> list[bytes]:
    """A NAL unit as it is, or cut into fragmentation units (RFC 6184, 5.8)."""
    if len(nal) <= _MAX_PAYLOAD:
        return [nal]
    kind, indicator, rest = nal[0] & 0x1F, nal[0] & 0xE0 | _FU_A, nal[1:]
    parts = [rest[at : at + _MAX_PAYLOAD] for at in range(0, len(rest), _MAX_PAYLOAD)]
    marks = [(0x80 if n == 0 else 0) | (0x40 if n == len(parts) - 1 else 0) for n in range(len(parts))]
    return [bytes([indicator, mark | kind]) + part for mark, part in zip(marks, parts, strict=True)]
