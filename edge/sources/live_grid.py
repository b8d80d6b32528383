"""Which frames of a live camera the 30 fps grid needs, and the ticks that they fill."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.contract import Frame, WindowSpec
from edge.preprocess import is_fresh, nearest_tick

_LATE_TICKS = 0.75
"""A frame this late still fills the tick that is due: a camera whose frames fall between two ticks would otherwise
leave a gap and lose a frame each time that its time stamps tremble across the middle."""


class LiveGrid:
    """Causal mapping from times of a live camera to grid ticks; tick k is due at k / 30 s of stream time.

    The first frame may come at any time (a capture that was restarted goes on with the ticks of its stream): ticks
    that nobody saw stay unwritten. Between two frames the earlier one is held while it is fresh, and no longer.
    """

    def __init__(self, spec: WindowSpec) -> None:
        self._spec = spec
        self._last: Frame | None = None

    def needs(self, t_ns: int) -> bool:
        """Whether a frame of stream time `t_ns` would fill a tick: do not decode or convert it otherwise."""
        return self._tick(t_ns) is not None

    def fill(self, t_ns: int, image: NDArray[np.uint8]) -> list[Frame]:
        """Frames for the ticks that this one settles, in order; the last one shows `image`, uint8 [S, S, 3].

        Those before it hold the frame before with that frame's own time. Empty when the frame is not needed.
        """
        tick = self._tick(t_ns)
        if tick is None:
            return []
        frames, last = [], self._last
        if last is not None:
            held = range(last.tick + 1, tick)
            # Broken off at the first stale tick: after a long gap the range may be very long.
            for between in held:
                if not is_fresh(between, last.t_ns, self._spec):
                    break
                frames.append(Frame(between, last.t_ns, last.image))
        self._last = Frame(tick, t_ns, image)
        return [*frames, self._last]

    def _tick(self, t_ns: int) -> int | None:
        tick = nearest_tick(t_ns, self._spec.frame_rate_hz)
        if self._last is None:
            return tick if tick >= 0 else None
        due = self._last.tick + 1
        if tick == due + 1 and t_ns - self._spec.tick_ns(due) <= self._late_ns:
            return due
        return tick if tick >= due else None

    @property
    def _late_ns(self) -> float:
        return _LATE_TICKS * self._spec.tick_ns(1)
