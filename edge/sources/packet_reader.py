"""Packets of a network stream, read by a thread of its own so that nobody waits for a network that stalls."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, NamedTuple

import av
from av.container import InputContainer

from edge.sources.container import pts_ns

_MAX_WAITING = 90
"""Packets that wait (3 s at 30 Hz): a decoder that is further behind will not catch up, and starts again."""

_MAX_UNTIL_KEY = 300
"""Packets that are skipped until the next key frame; some senders mark none."""


class TimedPacket(NamedTuple):
    """One frame's bytes as they came."""

    data: bytes
    sender_ns: int | None
    """The sender's presentation time on its own axis; None where the stream gives none."""
    arrival_ns: int
    """Monotonic time at which it was read."""


class PacketReader:
    """Demuxes one stream of an open container in the background; the container is the reader's from now on."""

    def __init__(self, container: InputContainer, stream: Any) -> None:
        self._container = container
        self._stream = stream
        self._changed = threading.Condition()
        self._waiting: deque[TimedPacket] = deque()
        self._stopped = False
        self._ended: str | None = None
        self._skip = 0
        self.dropped = 0
        """Packets that were thrown away because nobody took them."""
        self._thread = threading.Thread(target=self._run, name="packet reader", daemon=True)
        self._thread.start()

    def take(self, timeout_s: float) -> list[TimedPacket]:
        """All packets that wait, oldest first; empty when none came within the time.

        Raises:
            EOFError: the stream ended, broke or was silent for too long; its text says which.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended is not None, timeout_s)
            packets = list(self._waiting)
            self._waiting.clear()
            if not packets and self._ended is not None:
                raise EOFError(self._ended)
            return packets

    def close(self) -> None:
        """Let the thread end: at once while packets come, else when its read times out (FFmpeg cannot be told)."""
        self._stopped = True
        self._thread.join(0.2)

    def _run(self) -> None:
        ended = "the stream ended"
        try:
            for packet in self._container.demux(self._stream):
                if self._stopped:
                    break
                if packet.size:
                    self._put(packet, time.monotonic_ns())
        except av.error.ExitError:
            ended = "nothing comes any more"
        except (av.FFmpegError, OSError) as error:
            ended = f"the stream broke off ({error.strerror})"
        finally:
            self._container.close()
            with self._changed:
                self._ended = ended
                self._changed.notify_all()

    def _put(self, packet: Any, arrival_ns: int) -> None:
        stamp = packet.dts if packet.pts is None else packet.pts
        sender_ns = None if stamp is None else pts_ns(stamp, packet.time_base)
        with self._changed:
            if len(self._waiting) >= _MAX_WAITING:
                self.dropped += len(self._waiting)
                self._waiting.clear()
                self._skip = _MAX_UNTIL_KEY
            if self._skip and not packet.is_keyframe:
                self._skip -= 1
                self.dropped += 1
                return
            self._skip = 0
            self._waiting.append(TimedPacket(bytes(packet), sender_ns, arrival_ns))
            self._changed.notify_all()
