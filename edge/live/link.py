"""Whole messages between the main process and a child, over an unnamed pair of local sockets.

The messages are pickled: both ends are egoact, and nobody else can reach the pair.
"""

from __future__ import annotations

import pickle
import select
import socket
from typing import Any

_BUFFER_BYTES = 1 << 20


class LinkClosed(Exception):
    """The process at the other end is gone."""


class Link:
    """One end. Any thread may send; one thread receives."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        # The system may allow less; a snapshot takes some 30 kB.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        self._end = end
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))

    @classmethod
    def pair(cls) -> tuple[Link, socket.socket]:
        """This process's end, and the other one for a child to inherit."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours), theirs

    @classmethod
    def inherited(cls, descriptor: int) -> Link:
        """The end that a child was given."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, message: object, wait_s: float = 0.0) -> bool:
        """False when the other end did not make room within `wait_s`, or is gone: then the message is dropped."""
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        for attempt_wait_s in (0.0, wait_s):
            try:
                if attempt_wait_s:
                    select.select([], [self._end], [], attempt_wait_s)
                self._end.send(data)
                return True
            except BlockingIOError:
                continue
            except (OSError, ValueError):
                return False
        return False

    def receive(self, timeout_s: float | None = 0.0) -> Any:
        """The next message; None when there was none within `timeout_s` (None waits for ever).

        Raises:
            LinkClosed: there is nobody at the other end, and nothing of what it sent is left.
        """
        try:
            ready, _, _ = select.select([self._end], [], [], timeout_s)
            if not ready:
                return None
            size = self._end.recv_into(self._buffer)
        except BlockingIOError:
            return None
        except (OSError, ValueError) as error:
            raise LinkClosed from error
        if size == 0:
            raise LinkClosed
        return pickle.loads(self._buffer[:size])

    def close(self) -> None:
        self._end.close()
