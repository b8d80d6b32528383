"""The protocol that every source of frames and sound follows."""

from __future__ import annotations

from typing import Protocol

from edge.contract import Event


class Source(Protocol):
    """Frames and sound in time order: a frame counts at its tick time, sound at the time of its last sample.

    After `VideoEnd` and `AudioEnd` nothing more comes. A stream without sound gives `AudioEnd` first.
    """

    @property
    def title(self) -> str:
        """What a user calls this source."""

    @property
    def clip(self) -> str:
        """File name as annotations name it."""

    @property
    def origin_ns(self) -> int:
        """Monotonic time of stream time 0 in ns, set by `open`."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know so far, in plain words."""

    def open(self) -> None:
        """Open and check the source. Raises SourceError."""

    def read(self, timeout_s: float) -> Event | None:
        """The next event; None when there was none within `timeout_s`, after both ends, or once closed."""

    def close(self) -> None:
        """Release everything; may be called from any thread, more than once, and interrupts a waiting `read`."""
