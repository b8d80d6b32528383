"""What a live run puts on disk when it was asked to: flagged moments, and a rolling recording."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from edge.contract import Recording
from edge.errors import EgoactError
from edge.live.messages import InferenceSetup
from edge.pipeline import Pipeline
from edge.recording.disk_budget import DiskBudget
from edge.recording.moment import Moment, save_moment
from edge.recording.ring_tap import Reached, RingTap
from edge.recording.rolling import RollingRecorder
from edge.rings import Rings
from edge.text import printable

MOMENT_S = 30.0
"""A moment is as long as the ring is, at most this."""
MAX_BYTES, FREE_FLOOR_BYTES = 4 * 10**9, 10**9


class Recordings:
    """`tick` is called by one thread several times a second; `flag` by any."""

    def __init__(
        self,
        setup: InferenceSetup,
        labels: tuple[str, ...],
        rings: Rings,
        pipeline: Pipeline,
        told: Callable[[], Mapping[str, Any]],
    ) -> None:
        """`told` gives what a moment says of its run.

        Raises:
            EgoactError: the folder of the recording cannot be used.
        """
        self._moments, self._rings, self._pipeline, self._told = setup.moments, rings, pipeline, told
        self._spec, self._labels = rings.spec, labels
        ring_s = rings.video.capacity_ticks / self._spec.frame_rate_hz
        # Two taps: what one has taken does not matter to the other.
        self._tap = RingTap(self._spec, ring_s, rings.video.frame, rings.audio.heard_blocks)
        self._flagged = threading.Event()
        self._saving: threading.Thread | None = None
        self._recorder: RollingRecorder | None = None
        if setup.record is not None:
            budget = DiskBudget(setup.record, MAX_BYTES, FREE_FLOOR_BYTES)
            self._recorder = RollingRecorder(setup.record, self._spec, budget, say=pipeline.note)

    @property
    def recording(self) -> Recording | None:
        """What the rolling recording does; None when there is none."""
        if self._recorder is None:
            return None
        state = self._recorder.state
        return Recording(state.writing, state.dropped)

    def flag(self) -> None:
        """Save the seconds that just passed."""
        self._flagged.set()

    def tick(self) -> None:
        """Record what is new, and begin to save what was flagged."""
        reached = Reached(self._rings.video.next_tick, self._rings.audio.next_sample, self._rings.sound_delay_samples)
        if self._recorder is not None:
            self._tap.record(reached, self._recorder)
        if self._flagged.is_set():
            self._flagged.clear()
            self._begin_saving(reached)

    def close(self) -> None:
        """Finish the files; what is still being saved is saved."""
        if self._saving is not None:
            self._saving.join()
        if self._recorder is not None:
            self._recorder.close()

    def _begin_saving(self, reached: Reached) -> None:
        if self._saving is not None and self._saving.is_alive():
            self._pipeline.note("the moment before is still being saved: flag again in a few seconds")
            return
        frames, sound = self._tap.newest(reached, MOMENT_S)
        rows, predictions = self._pipeline.recent()
        moment = Moment(self._spec, self._labels, frames, sound, rows, predictions, self._told())
        self._saving = threading.Thread(target=self._save, args=(moment,), name="moment", daemon=True)
        self._saving.start()

    def _save(self, moment: Moment) -> None:
        folder = self._moments / f"moment-{datetime.now():%Y%m%dT%H%M%S}"
        try:
            save_moment(folder, moment)
        except EgoactError as error:
            self._pipeline.note(str(error))
            return
        span_s = (moment.frames[-1].tick + 1 - moment.frames[0].tick) / self._spec.frame_rate_hz
        self._pipeline.note(f"moment saved: {span_s:.1f} s in {printable(str(folder))}")
