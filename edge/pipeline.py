"""The whole data flow of egoact, top to bottom.

source -> rings -> window -> engines -> feature row -> head (3 masked rows) -> probabilities -> segments -> sinks

`live` and `replay` differ in the source only.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.capture import Capture
from edge.clock import Clock
from edge.contract import (
    NS_PER_S,
    ClipFeatures,
    FeatureRow,
    Prediction,
    RunResult,
    Segment,
    Snapshot,
)
from edge.decide import Decider
from edge.recognizer import Recognizer
from edge.rings import Rings
from edge.sources.base import Source
from edge.telemetry import StageTimer, TelemetryBook

SNAPSHOT_SEGMENTS = 200
SNAPSHOT_EVENTS = 100


class Sink(Protocol):
    """Takes what the pipeline says, as it says it. A sink never raises: it counts its own failures."""

    def prediction(self, prediction: Prediction, labels: tuple[str, ...]) -> None: ...

    def segment(self, segment: Segment) -> None: ...


class Pipeline:
    """One stream from its source to its segments. `run` blocks; `snapshot` and `stop` may be called from any thread."""

    def __init__(
        self,
        source: Source,
        recognizer: Recognizer,
        *,
        pace: Literal["realtime", "fast", "live"],
        truth: tuple[Segment, ...] = (),
        sinks: Sequence[Sink] = (),
        clock: Clock | None = None,
    ) -> None:
        bundle = recognizer.bundle
        self._source = source
        self._recognizer = recognizer
        self._decider = Decider(bundle.labels, bundle.background_label, bundle.thresholds)
        self._pace = pace
        self._truth = truth
        self._sinks = sinks
        self._clock = clock or Clock()
        self._spec = bundle.window
        self._rings = Rings(bundle.window)
        self._book = TelemetryBook(recognizer.engines.describe(), paced=pace != "fast")
        self._stopping = threading.Event()
        self._rows: list[FeatureRow] = []
        self._predictions: list[Prediction] = []
        self._segments: list[Segment] = []
        self._finished = False

    def run(self) -> RunResult:
        """Play the stream to its end or until `stop`.

        Raises:
            EgoactError: the source cannot be opened or read, or an engine refuses its input.
        """
        self._recognizer.reset()
        self._source.open()
        capture = Capture(self._source, self._rings, self._book.frames)
        capture.start()
        try:
            for start_tick in self._row_starts():
                timer = StageTimer()
                timer.ms["wait"] = self._since_capture_ms(start_tick)
                row = self._recognizer.add_row(start_tick, self._rings.video.row(start_tick), timer)
                sound = self._rings.audio.window(
                    self._rings.audio_end_sample(start_tick), self._spec.clip_audio_samples
                )
                self._release(start_tick)
                clip = self._recognizer.clip(sound, timer)
                self._emit(row, clip, timer)
            self._close_segments()
        finally:
            capture.stop()
            self._book.frames.close()
            self._finished = True
        if capture.error is not None:
            raise capture.error
        return self._result()

    def stop(self) -> None:
        """End early; `run` returns what there is."""
        self._stopping.set()
        with self._rings.changed:
            self._rings.changed.notify_all()

    def _row_starts(self) -> Iterator[int]:
        """First tick of each row, yielded when its frames and its sound are there (or will never come)."""
        rings, spec = self._rings, self._spec
        start_tick, last_start = 0, -1
        while True:
            if not self._wait_for_row(start_tick):
                return
            ticks = rings.video.next_tick
            if start_tick + spec.row_frames > ticks:
                # The stream ended inside a row: Ego4D's last row ends on the last frame.
                yield from (start for start in spec.row_starts(ticks) if start > last_start)
                return
            yield start_tick
            last_start, start_tick = start_tick, start_tick + spec.hop_frames

    def _wait_for_row(self, start_tick: int) -> bool:
        """False when `stop` was called first."""
        with self._rings.changed:
            self._rings.changed.wait_for(lambda: self._stopping.is_set() or self._rings.ready(start_tick))
        return not self._stopping.is_set()

    def _release(self, start_tick: int) -> None:
        """The row's frames are copied: account for them and let the writer go on."""
        end_tick = min(start_tick + self._spec.row_frames, self._rings.video.next_tick)
        self._book.frames.use_row(start_tick, end_tick)
        with self._rings.changed:
            self._rings.oldest_needed_tick = start_tick + 1
            self._rings.changed.notify_all()

    def _emit(self, row: FeatureRow, clip: ClipFeatures, timer: StageTimer) -> None:
        """Head, decision, and everybody who wants to know."""
        spec, labels = self._spec, self._recognizer.bundle.labels
        probabilities = self._recognizer.probabilities(clip, timer)
        # A live clip is centred on the start of its newest row; the label speaks for one hop around that moment.
        start_ns = self._predictions[-1].end_ns if self._predictions else 0
        end_ns = spec.tick_ns(row.start_tick + spec.hop_frames // 2)
        with timer.stage("decide"):
            closed = self._decider.push(probabilities[0], row, start_ns, end_ns)
        prediction = self._prediction(clip, probabilities, start_ns, end_ns, timer)
        self._rows.append(row)
        self._predictions.append(prediction)
        self._segments.extend(closed)
        self._book.add(prediction)
        for sink in self._sinks:
            sink.prediction(prediction, labels)
            for segment in closed:
                sink.segment(segment)

    def _prediction(
        self, clip: ClipFeatures, probabilities: NDArray[np.float32], start_ns: int, end_ns: int, timer: StageTimer
    ) -> Prediction:
        bundle = self._recognizer.bundle
        overall = np.nan_to_num(probabilities[0], nan=0.0)
        best = int(overall.argmax())
        label, confidence = bundle.labels[best], float(overall[best])
        return Prediction(
            row_index=clip.row.index,
            start_ns=start_ns,
            end_ns=end_ns,
            clip_end_ns=min(clip.newest_ns, self._video_end_ns()),
            probabilities=probabilities,
            label=label,
            confidence=confidence,
            unknown=label == bundle.background_label or confidence < bundle.thresholds.unknown,
            video_coverage=clip.video_coverage,
            audio_coverage=clip.audio_coverage,
            emitted_ns=self._clock.monotonic_ns() - self._source.origin_ns,
            stage_ms=timer.ms,
        )

    def _close_segments(self) -> None:
        closed = self._decider.finish(self._video_end_ns())
        self._segments.extend(closed)
        for sink in self._sinks:
            for segment in closed:
                sink.segment(segment)

    def _video_end_ns(self) -> int:
        """Stream time up to which frames were captured."""
        return self._spec.tick_ns(self._rings.video.next_tick)

    def _since_capture_ms(self, start_tick: int) -> float:
        """From the end of the row to now; the fast pace has no such time."""
        if self._pace == "fast":
            return 0.0
        end_ns = min(self._spec.tick_ns(start_tick + self._spec.row_frames), self._video_end_ns())
        return (self._clock.monotonic_ns() - self._source.origin_ns - end_ns) / 1e6

    def _result(self) -> RunResult:
        bundle = self._recognizer.bundle
        return RunResult(
            title=self._source.title,
            clip=self._source.clip,
            duration_s=self._rings.video.next_tick / self._spec.frame_rate_hz,
            labels=bundle.labels,
            background_label=bundle.background_label,
            pace=self._pace,
            rows=tuple(self._rows),
            predictions=tuple(self._predictions),
            segments=tuple(self._segments),
            telemetry=self._book.summary(),
            notes=tuple(self._source.notes),
        )

    def snapshot(self) -> Snapshot:
        """What a view shows now. Cheap enough for ten calls a second."""
        spec, audio = self._spec, self._rings.audio
        window = audio.window(audio.next_sample, spec.audio_rate_hz // 10)
        rms = float(np.sqrt(np.mean(window.samples**2))) if window.coverage > 0 else 0.0
        return Snapshot(
            title=self._source.title,
            stream_ns=self._rings.video.next_tick * NS_PER_S // spec.frame_rate_hz,
            labels=self._recognizer.bundle.labels,
            prediction=self._predictions[-1] if self._predictions else None,
            open_segment=self._decider.open_segment,
            closed_segments=tuple(self._segments[-SNAPSHOT_SEGMENTS:]),
            truth=self._truth,
            preview=self._rings.video.newest(),
            sound_level_db=20 * float(np.log10(rms)) if rms > 0 else None,
            telemetry=self._book.summary(),
            events=(f"bundle: {self._recognizer.bundle.describe()}", *self._source.notes)[-SNAPSHOT_EVENTS:],
            finished=self._finished,
            background_label=self._recognizer.bundle.background_label,
        )
