"""What recordings take out of the rings of a live run: everything new, or the newest seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from edge.contract import AudioBlock, Frame, WindowSpec
from edge.recording.rolling import RollingRecorder

MARGIN_S = 0.5
"""The oldest part of a ring is not asked for: its writer is about to overwrite it."""


class Reached(NamedTuple):
    """How far the rings are written, and how they belong together."""

    next_tick: int
    next_sample: int
    sound_delay_samples: int
    """The sound lies this much later on the axis than the picture of the same moment."""


class RingTap:
    """Reads frames and sound on the picture's axis: the delay of the microphone is taken out.

    One thread uses it. `frame_at` gives a copy of the frame at a tick, None when there is none (any more);
    `sound_between` the blocks of the heard samples of [start, end), in order.
    """

    def __init__(
        self,
        spec: WindowSpec,
        ring_s: float,
        frame_at: Callable[[int], Frame | None],
        sound_between: Callable[[int, int], Sequence[AudioBlock]],
    ) -> None:
        self._spec = spec
        self._reach_s = ring_s - MARGIN_S
        self._frame_at = frame_at
        self._sound_between = sound_between
        self._taken: Reached | None = None

    def record(self, reached: Reached, recorder: RollingRecorder) -> None:
        """Give the recorder what came since the last call; call it a few times a second."""
        before = self._taken or reached
        self._taken = reached
        oldest = self._oldest(reached, self._reach_s)
        for frame in self._frames(max(before.next_tick, oldest.next_tick), reached.next_tick):
            recorder.frame(frame)
        for block in self._sound(max(before.next_sample, oldest.next_sample), reached):
            recorder.sound(block)

    def newest(self, reached: Reached, seconds: float) -> tuple[list[Frame], list[AudioBlock]]:
        """The newest seconds, as far as the ring goes back: what `Moment` takes. Copies at once, 6 MB a second."""
        oldest = self._oldest(reached, min(seconds, self._reach_s))
        return self._frames(oldest.next_tick, reached.next_tick), self._sound(oldest.next_sample, reached)

    def _oldest(self, reached: Reached, seconds: float) -> Reached:
        return Reached(
            max(0, reached.next_tick - round(seconds * self._spec.frame_rate_hz)),
            max(0, reached.next_sample - round(seconds * self._spec.audio_rate_hz)),
            reached.sound_delay_samples,
        )

    def _frames(self, first_tick: int, end_tick: int) -> list[Frame]:
        return [frame for tick in range(first_tick, end_tick) if (frame := self._frame_at(tick)) is not None]

    def _sound(self, first_sample: int, reached: Reached) -> list[AudioBlock]:
        delay = reached.sound_delay_samples
        return [
            block._replace(start_sample=block.start_sample - delay)
            for block in self._sound_between(first_sample, reached.next_sample)
        ]
