"""The whole data flow of egoact, top to bottom.

source -> rings -> window -> engines -> feature row -> head (3 masked rows) -> probabilities -> segments -> sinks

`live` and `replay` differ in the source, and in the schedule by which rows are taken.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.capture import Capture
from edge.clock import Clock
from edge.contract import (
    NS_PER_S,
    ClipFeatures,
    FeatureRow,
    Modality,
    Prediction,
    RunResult,
    Segment,
    Snapshot,
    Telemetry,
)
from edge.decide import Decider
from edge.plain import clock_text
from edge.recognizer import Recognizer
from edge.rings import AudioWindow, Rings, VideoWindow
from edge.schedule import ReplaySchedule, Schedule
from edge.sources.base import Source
from edge.spectrum import bands_db, level_db
from edge.telemetry import StageTimer, TelemetryBook
from edge.unknown import is_unknown

SNAPSHOT_SEGMENTS = 60
"""What a view can show: its timeline is a minute long. A live snapshot goes to another process ten times a second."""
SNAPSHOT_EVENTS = 60
LIVE_ROWS = 120
"""Rows and predictions that a live run keeps, about a minute; a replay keeps all."""


class Sink(Protocol):
    """Takes what the pipeline says, as it says it. A sink never raises: it counts its own failures."""

    def prediction(self, prediction: Prediction, labels: tuple[str, ...]) -> None: ...

    def segment(self, segment: Segment) -> None: ...

    def event(self, t_ns: int, text: str) -> None:
        """Something that the user should know happened at stream time `t_ns`."""


class Pipeline:
    """One stream from its source to its segments. `run` blocks; everything else may be called from any thread."""

    def __init__(
        self,
        source: Source,
        recognizer: Recognizer,
        *,
        pace: Literal["realtime", "fast", "live"],
        truth: tuple[Segment, ...] = (),
        sinks: Sequence[Sink] = (),
        clock: Clock | None = None,
        rings: Rings | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        """`rings` and `schedule` are those of a live run; a replay has its own."""
        bundle = recognizer.bundle
        self._source = source
        self._recognizer = recognizer
        self._decider = Decider(bundle.labels, bundle.background_label, bundle.thresholds)
        self._thresholds = bundle.thresholds
        self._pace = pace
        self._truth = truth
        self._sinks = sinks
        self._clock = clock or Clock()
        self._spec = bundle.window
        self._rings = rings or Rings(bundle.window)
        self._schedule = schedule or ReplaySchedule(self._rings, bundle.window)
        self._book = TelemetryBook(recognizer.engines.describe(), paced=pace != "fast")
        live = pace == "live"
        self._rows: deque[FeatureRow] = deque(maxlen=LIVE_ROWS if live else None)
        self._predictions: deque[Prediction] = deque(maxlen=LIVE_ROWS if live else None)
        self._segments: deque[Segment] = deque(maxlen=SNAPSHOT_SEGMENTS if live else None)
        # What a snapshot shows, replaced as a whole: views read it while the next label is being made.
        self._newest: Prediction | None = None
        self._open_segment: Segment | None = None
        self._closed_segments: tuple[Segment, ...] = ()
        self._events: tuple[str, ...] = ()
        self._noting, self._keeping = threading.Lock(), threading.Lock()
        self._masked: frozenset[Modality] = frozenset()
        self._finished = False

    def run(self) -> RunResult:
        """Play the stream to its end or until `stop`.

        Raises:
            EgoactError: the source cannot be opened or read, or an engine refuses its input.
        """
        self._recognizer.reset()
        self._source.open()
        self._book.frames.begin(self._rings.video.frames)
        capture = Capture(self._source, self._rings, self._book.frames)
        capture.start()
        try:
            for start_tick in self._schedule.row_starts():
                timer, begun_ns = StageTimer(self._clock.monotonic_ns), self._clock.monotonic_ns()
                timer.ms["wait"] = 0.0  # known once the newest sensor time is
                with timer.stage("window"):
                    seen, heard = self._see(start_tick), self._hear(start_tick)
                row = self._recognizer.add_row(start_tick, seen, timer)
                self._release(start_tick, seen)
                clip = self._recognizer.clip(heard, timer)
                timer.ms["wait"] = self._wait_ms(clip, begun_ns)
                self._emit(row, clip, timer)
            # What is open lasted until the end of the stream.
            self._keep(closed := self._decider.finish(self._stream_ns()))
            self._tell(closed)
        finally:
            capture.stop()
            self._book.frames.close()
            self._finished = True
        if capture.error is not None:
            raise capture.error
        return self._result()

    def stop(self) -> None:
        """End early; `run` returns what there is."""
        self._schedule.stop()

    def hurry(self) -> None:
        """A replay at real pace goes on as fast as it can; from now on no label's age means anything."""
        self._pace = "fast"
        self._book.paced = False

    def note(self, text: str) -> None:
        """Tell the views and the sinks what happened."""
        t_ns = self._stream_ns()
        with self._noting:
            self._events = (*self._events, f"{clock_text(t_ns / NS_PER_S)} {text}")[-SNAPSHOT_EVENTS:]
        for sink in self._sinks:
            sink.event(t_ns, text)

    @property
    def newest(self) -> Prediction | None:
        """The prediction made last."""
        return self._newest

    def recent(self) -> tuple[tuple[FeatureRow, ...], tuple[Prediction, ...]]:
        """The rows and predictions that are kept, each of which is there as a whole."""
        with self._keeping:
            return tuple(self._rows), tuple(self._predictions)

    def mask(self, modalities: frozenset[Modality]) -> None:
        """Keep these from the model, as if nothing had been seen or heard."""
        self._masked = modalities

    def set_threshold(self, on: float) -> None:
        """Open segments at this probability; they close at a proportionally lower one."""
        before = self._thresholds
        self._thresholds = replace(before, on=on, off=before.off * on / before.on)
        self._decider.set_thresholds(self._thresholds)

    def _see(self, start_tick: int) -> VideoWindow:
        window = self._rings.video.row(start_tick)
        return window._replace(coverage=0.0) if "video" in self._masked else window

    def _hear(self, start_tick: int) -> AudioWindow:
        end_sample, length = self._rings.audio_end_sample(start_tick), self._spec.clip_audio_samples
        if "audio" in self._masked:
            return AudioWindow(np.zeros(length, np.float32), 0.0, end_sample - length)
        return self._rings.audio.window(end_sample, length)

    def _release(self, start_tick: int, window: VideoWindow) -> None:
        """The row's frames are copied: account for them and let the writer go on."""
        if window.numbers:
            self._book.frames.use_row(window.numbers.start, window.numbers.stop)
        with self._rings.changed:
            self._rings.oldest_needed_tick = start_tick + 1
            self._rings.changed.notify_all()

    def _emit(self, row: FeatureRow, clip: ClipFeatures, timer: StageTimer) -> None:
        """Head, decision, and everybody who wants to know."""
        spec, labels, before = self._spec, self._recognizer.bundle.labels, self._newest
        probabilities = self._recognizer.probabilities(clip, timer)
        # A live clip is centred on the start of its newest row; the label speaks for one hop around that moment.
        end_ns = spec.tick_ns(row.start_tick + spec.hop_frames // 2)
        start_ns = before.end_ns if before else max(0, spec.tick_ns(row.start_tick - spec.hop_frames // 2))
        with timer.stage("decide"):
            closed = self._decider.push(probabilities[0], row, start_ns, end_ns)
        prediction = self._prediction(clip, probabilities, start_ns, end_ns, timer)
        if prediction.blind != (before is not None and before.blind):
            self.note("nothing to see or hear: no labels" if prediction.blind else "labels again")
        with self._keeping:
            self._rows.append(row)
            self._predictions.append(prediction)
        self._newest = prediction
        self._book.add(prediction)
        self._keep(closed)
        for sink in self._sinks:
            sink.prediction(prediction, labels)
        self._tell(closed)

    def _prediction(
        self, clip: ClipFeatures, probabilities: NDArray[np.float32], start_ns: int, end_ns: int, timer: StageTimer
    ) -> Prediction:
        bundle = self._recognizer.bundle
        overall = np.nan_to_num(probabilities[0], nan=0.0)
        best = int(overall.argmax())
        label, confidence, background = bundle.labels[best], float(overall[best]), bundle.background_label
        silent = None if background is None else bundle.labels.index(background)
        return Prediction(
            row_index=clip.row.index,
            start_ns=start_ns,
            end_ns=end_ns,
            clip_end_ns=clip.newest_ns,
            probabilities=probabilities,
            label=label,
            confidence=confidence,
            unknown=label == background or is_unknown(probabilities, silent, bundle.thresholds),
            video_coverage=clip.video_coverage,
            audio_coverage=clip.audio_coverage,
            emitted_ns=self._clock.monotonic_ns() - self._source.origin_ns,
            stage_ms=timer.ms,
        )

    def _keep(self, closed: Sequence[Segment]) -> None:
        self._book.segments += len(closed)
        self._segments.extend(closed)
        self._open_segment = self._decider.open_segment
        if closed:
            self._closed_segments = (*self._closed_segments, *closed)[-SNAPSHOT_SEGMENTS:]

    def _tell(self, closed: Sequence[Segment]) -> None:
        for sink in self._sinks:
            for segment in closed:
                sink.segment(segment)

    def _stream_ns(self) -> int:
        """Now in stream time; a replay is where its frames are."""
        if self._pace == "live":
            return self._clock.monotonic_ns() - self._source.origin_ns
        return self._spec.tick_ns(self._rings.video.next_tick)

    def _wait_ms(self, clip: ClipFeatures, begun_ns: int) -> float:
        """From the newest sensor time of the clip until its row was begun; the fast pace has no such time."""
        if self._pace == "fast":
            return 0.0
        return (begun_ns - self._source.origin_ns - clip.newest_ns) / 1e6

    def _result(self) -> RunResult:
        bundle = self._recognizer.bundle
        return RunResult(
            title=self._source.title,
            clip=self._source.clip,
            duration_s=self._stream_ns() / NS_PER_S,
            labels=bundle.labels,
            background_label=bundle.background_label,
            pace=self._pace,
            rows=tuple(self._rows),
            predictions=tuple(self._predictions),
            segments=tuple(self._segments),
            telemetry=self._telemetry(),
            notes=tuple(self._source.notes),
        )

    def _telemetry(self) -> Telemetry:
        return self._book.summary(skipped_rows=self._schedule.skipped_rows, hop_factor=self._schedule.hop_factor)

    def snapshot(self, *, picture: bool = True) -> Snapshot:
        """What a view shows now, with or without the newest frame. Cheap enough for ten calls a second."""
        spec, audio, bundle = self._spec, self._rings.audio, self._recognizer.bundle
        window = audio.window(audio.next_sample, spec.audio_rate_hz // 10)
        level = None if "audio" in self._rings.away else level_db(window.samples)
        return Snapshot(
            title=self._source.title,
            stream_ns=self._stream_ns(),
            labels=bundle.labels,
            prediction=self._newest,
            open_segment=self._open_segment,
            closed_segments=self._closed_segments,
            truth=self._truth,
            preview=self._rings.video.newest() if picture else None,
            sound_level_db=level,
            sound_bands_db=() if level is None else bands_db(window.samples, spec.audio_rate_hz),
            telemetry=self._telemetry(),
            events=(f"bundle: {bundle.describe()}", *self._source.notes, *self._events)[-SNAPSHOT_EVENTS:],
            finished=self._finished,
            background_label=bundle.background_label,
            masked=self._masked,
            threshold=self._thresholds.on,
        )
