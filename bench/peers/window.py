"""What a peer makes of one window, whoever it is."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class WindowOutput(NamedTuple):
    """Features of the newest row and logits of the live clip."""

    appearance: NDArray[np.float32]
    """float32 [A]"""
    motion: NDArray[np.float32]
    """float32 [M]"""
    audio: NDArray[np.float32]
    """float32 [D]"""
    logits: NDArray[np.float32]
    """float32 [3 modes, K]"""


class Peer(Protocol):
    """A way to get labels from a stream of raw frames."""

    def window(self, start_tick: int) -> WindowOutput:
        """From the raw frames of this row, and the sound of its clip, to logits. Ticks grow from call to call."""

    def restart(self) -> None:
        """The stream begins anew."""
