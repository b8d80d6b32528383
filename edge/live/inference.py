"""The inference process: the pipeline of a replay on shared rings, its sinks, and snapshots for the view."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import asdict, replace
from typing import Any

from edge.bundle import load_bundle
from edge.clock import Clock
from edge.engines.start import start_engines
from edge.errors import EgoactError
from edge.hop_governor import HopGovernor
from edge.live.lifeline import listen, signal_at_parents_death
from edge.live.link import Link, LinkClosed
from edge.live.messages import Failed, Finished, Flag, InferenceSetup, Mask, Note, SoundDelay, Stop, Threshold, View
from edge.live.pacing import Pacing
from edge.live.recordings import Recordings
from edge.live.schedule import LiveSchedule
from edge.live.source import LiveSource
from edge.pipeline import Pipeline
from edge.power import PowerReader
from edge.recognizer import Recognizer
from edge.rings import Rings
from edge.sinks import JsonlSink
from edge.text import printable

SNAPSHOT_S = 0.1


class Inference:
    """Everything that lives in this process; `run` blocks until a message or a signal stops it."""

    def __init__(self, setup: InferenceSetup, link: Link) -> None:
        """Load the bundle.

        Raises:
            EgoactError: it cannot be used as asked.
        """
        bundle = load_bundle(setup.bundle)
        started = start_engines(bundle, setup.precision, setup.backend, threads=setup.threads)
        recognizer = Recognizer(bundle, started.engines, temperature=started.temperature)
        spec, clock = bundle.window, Clock()
        self._link = link
        self._bundle = bundle.describe()
        self._rings = Rings(spec, video=setup.rings.video(), audio=setup.rings.audio())
        source = LiveSource(
            setup.announcements_fd,
            self._rings,
            title=setup.title,
            origin_ns=setup.origin_ns,
            absent=setup.absent,
            clock=clock,
        )
        self._schedule = LiveSchedule(
            self._rings, spec, lambda: clock.monotonic_ns() - setup.origin_ns, source.grace_ns
        )
        self._jsonl = JsonlSink(setup.jsonl, on_error=self._jsonl_failed, append=True) if setup.jsonl else None
        self._pipeline = Pipeline(
            source,
            recognizer,
            pace="live",
            sinks=() if self._jsonl is None else (self._jsonl,),
            clock=clock,
            rings=self._rings,
            schedule=self._schedule,
        )
        if started.note is not None:
            self._pipeline.note(f"on the CPU: {started.note}")
        if self._jsonl is not None:
            self._jsonl.start(setup.title)
            if self._jsonl.error is not None:
                self._pipeline.note(str(self._jsonl.error))
            self._jsonl.started(clock.unix_ns() - clock.monotonic_ns() + setup.origin_ns)
        self._recordings = Recordings(setup, bundle.labels, self._rings, self._pipeline, self._told)
        self._pacing = Pacing(self._schedule, self._pipeline, HopGovernor(spec.hop_s), PowerReader())
        self._audio_rate_hz = spec.audio_rate_hz
        self._ended = threading.Event()

    def run(self) -> Finished:
        """Raises EgoactError: an engine failed."""
        publisher = threading.Thread(target=self._publish, name="snapshots", daemon=True)
        publisher.start()
        try:
            try:
                result = self._pipeline.run()
            finally:
                self._ended.set()
                publisher.join()
                self._recordings.close()
            # The last line, so only now that a moment has said that it is saved.
            if self._jsonl is not None:
                self._jsonl.run(result)
        finally:
            if self._jsonl is not None:
                self._jsonl.close()
        problem = str(self._jsonl.error) if self._jsonl is not None and self._jsonl.error is not None else None
        return Finished(replace(result, rows=(), predictions=()), problem)

    def stop(self) -> None:
        self._pipeline.stop()

    def take(self, message: Any) -> None:
        """Do what the main process asks."""
        if isinstance(message, Stop):
            self.stop()
        elif isinstance(message, Mask):
            self._pipeline.mask(message.modalities)
        elif isinstance(message, Flag):
            self._recordings.flag()
        elif isinstance(message, Threshold):
            self._pipeline.set_threshold(message.on)
        elif isinstance(message, Note):
            self._pipeline.note(message.text)
        elif isinstance(message, SoundDelay):
            self._rings.sound_delay_samples = round(message.ms * self._audio_rate_hz / 1000)

    def _publish(self) -> None:
        """Snapshots, latest wins: one that finds no room is dropped."""
        while not self._ended.wait(SNAPSHOT_S):
            self._pacing.tick()
            self._recordings.tick()
            # The picture is read from the shared ring by whoever shows it.
            snapshot = self._pipeline.snapshot(picture=False)
            told = replace(
                snapshot, telemetry=self._pacing.shown(snapshot.telemetry), recording=self._recordings.recording
            )
            self._link.send(View(told, self._rings.video.next_tick))

    def _told(self) -> dict[str, object]:
        """What a saved moment says of its run."""
        snapshot = self._pipeline.snapshot(picture=False)
        return {
            "bundle": self._bundle,
            "title": snapshot.title,
            "telemetry": asdict(self._pacing.shown(snapshot.telemetry)),
            "masked": sorted(snapshot.masked),
            "threshold": snapshot.threshold,
            "events": snapshot.events,
        }

    def _jsonl_failed(self, error: EgoactError) -> None:
        if hasattr(self, "_pipeline"):
            self._pipeline.note(str(error))


def main() -> None:
    """Entry of the process; its link's descriptor is the second argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal_at_parents_death(signal.SIGKILL)
    link = Link.inherited(int(sys.argv[2]))
    try:
        setup: InferenceSetup = link.receive(None)
        inference = Inference(setup, link)
        # From here on an end is a clean one, also when a service manager signals every process, or main is killed.
        signal.signal(signal.SIGTERM, lambda *_: inference.stop())
        signal_at_parents_death(signal.SIGTERM)
        listen(link, on_message=inference.take, on_parent_gone=inference.stop)
        answer: object = inference.run()
    except LinkClosed:
        return
    except EgoactError as error:
        answer = Failed(str(error), error.exit_code)
    except Exception as error:
        if os.environ.get("EGOACT_DEBUG"):
            raise
        reason = printable(str(error))
        answer = Failed(f"unexpected {type(error).__name__} in inference: {reason}; EGOACT_DEBUG=1 tells more", 1)
    link.send(answer, wait_s=2.0)


if __name__ == "__main__":
    main()
