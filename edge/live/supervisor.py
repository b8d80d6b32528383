"""Starts the processes of a live run, watches them, and ends them.

A sensor's process that hangs or dies is replaced. When the inference process dies the run ends with an error: another
one would show labels with a hole in the middle and hide that something is wrong; a service manager starts the whole
command again.
"""

from __future__ import annotations

import os
import select
import threading
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.av_offset_file import stored_av_offset_ms
from edge.clock import Clock
from edge.contract import NS_PER_S, RunResult, Snapshot, Telemetry
from edge.errors import EgoactError, SourceError
from edge.live.announce import AnnouncementPipe
from edge.live.child import Child
from edge.live.guard import SensorGuard
from edge.live.memory import SharedRings
from edge.live.messages import (
    Failed,
    Finished,
    InferenceSetup,
    Note,
    SoundDelay,
    Stop,
    View,
)
from edge.live.plan import LivePlan
from edge.sensor_status import SENSOR_NAMES, SensorStatus

LOOK_S = 0.05
STOP_LIMIT_S = 10.0
"""What inference may take to close its files after it was asked to stop."""
PROGRESS_LIMIT_S = 20.0
"""Inference that emits nothing for this long hangs."""


class Supervisor:
    """Runs in a thread of its own, which starts and ends all processes; its methods may be called from any thread."""

    def __init__(self, plan: LivePlan, clock: Clock | None = None) -> None:
        self.error: EgoactError | None = None
        """What ended the run, if anything did."""
        self.result: RunResult | None = None
        """What the run gave, also when it ended early; None when it never began."""
        self.problem: str | None = None
        """What went wrong on the way without ending the run."""
        self._plan = plan
        self._clock = clock or Clock()
        self._origin_ns = self._clock.monotonic_ns()
        self._shared = SharedRings.create(plan.bundle.window, plan.ring_s)
        self._pipe = AnnouncementPipe.create()
        self._guards = tuple(
            SensorGuard(sensor, self._origin_ns, self._shared, self._pipe.write_fd) for sensor in plan.sensors
        )
        self._offset_of: tuple[str, ...] = ()
        self._inference: Child | None = None
        self._view: View | None = None
        self._pictures = self._shared.video()
        self._rows = -1
        self._progress_ns = 0
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask for a clean end; does not wait."""
        self._stopping.set()

    def hurry(self) -> None:
        """End at once: what is not closed yet stays as it is."""
        self._hurry.set()
        self._stopping.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """True when everything has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """The end has been asked for."""
        return self._stopping.is_set()

    @property
    def pids(self) -> dict[str, int]:
        """Of the processes that run, by name."""
        children = {guard.watch.name: guard.child for guard in self._guards} | {"inference": self._inference}
        return {name: child.pid for name, child in children.items() if child is not None}

    def ask(self, message: object) -> None:
        """Send something to the inference process."""
        if self._inference is not None:
            self._inference.link.send(message)

    def latest(self) -> Snapshot:
        """What is known now; the picture is in the ring of `picture`."""
        view, sensors = self._view, tuple(guard.watch.status for guard in self._guards)
        if view is None:
            return Snapshot(self._plan.title, 0, (), None, None, (), (), None, None, Telemetry(), (), sensors=sensors)
        return replace(view.snapshot, sensors=sensors)

    def pictured(self) -> Snapshot:
        """`latest` with its picture, and with the error that ended the run."""
        return replace(self.latest(), preview=self.picture(), problem=None if self.error is None else str(self.error))

    def picture(self) -> NDArray[np.uint8] | None:
        """A copy of the newest frame, uint8 [S, S, 3]; None before the first and after the end."""
        view = self._view
        if view is None or view.next_tick == 0 or not self.alive:
            return None
        self._pictures.announced(view.next_tick, 0)
        return self._pictures.newest()

    def _run(self) -> None:
        try:
            self._inference = self._start_inference()
            while not self._over():
                self._wait_for_messages()
                self._look_at_inference(self._inference)
                self._look_at_sensors()
            self._end_inference(self._inference)
        except Exception as error:
            if os.environ.get("EGOACT_DEBUG"):
                raise
            self.error = EgoactError(f"unexpected {type(error).__name__}: {error}; EGOACT_DEBUG=1 tells more")
        finally:
            self._end_everything()
            self._shared.close()
            for descriptor in self._pipe:
                os.close(descriptor)

    def _over(self) -> bool:
        return self._stopping.is_set() or self.error is not None or self.result is not None

    def _wait_for_messages(self) -> None:
        children = [self._inference, *(guard.child for guard in self._guards)]
        select.select([child.link for child in children if child is not None and not child.gone], [], [], LOOK_S)

    # Inference

    def _start_inference(self) -> Child:
        plan, shared, pipe = self._plan, self._shared, self._pipe
        present = {guard.plan.modality for guard in self._guards}
        setup = InferenceSetup(
            bundle=plan.bundle.path,
            precision=plan.precision,
            backend=plan.backend,
            threads=plan.threads,
            title=plan.title,
            jsonl=plan.jsonl,
            origin_ns=self._origin_ns,
            rings=shared,
            announcements_fd=pipe.read_fd,
            absent=frozenset(modality for modality in ("video", "audio") if modality not in present),
            moments=plan.moments,
            record=plan.record,
        )
        return Child("inference", "edge.live.inference", setup, (shared.video_fd, shared.audio_fd, pipe.read_fd))

    def _look_at_inference(self, inference: Child) -> None:
        gone = inference.gone
        for message in inference.messages():
            if isinstance(message, View):
                self._take_view(message)
            elif isinstance(message, Finished):
                self.result, self.problem = message.result, message.problem
            elif isinstance(message, Failed):
                self.error = EgoactError(message.message)
                self.error.exit_code = message.exit_code
        if self.error is None and self.result is None:
            if gone:
                self.error = EgoactError(f"the inference process {inference.obituary()}; start egoact live again")
            elif self._view is not None and self._since_s(self._progress_ns) > PROGRESS_LIMIT_S:
                self.error = EgoactError(
                    f"inference has hung for {PROGRESS_LIMIT_S:.0f} s and was killed; start egoact live again"
                )

    def _take_view(self, view: View) -> None:
        self._view = view
        if view.snapshot.telemetry.rows != self._rows:
            self._rows, self._progress_ns = view.snapshot.telemetry.rows, self._clock.monotonic_ns()

    def _end_inference(self, inference: Child) -> None:
        """Let it close its files and say what came of it."""
        begun_ns = self._clock.monotonic_ns()
        inference.link.send(Stop(), wait_s=1.0)
        # Before its first view it is still loading, and has nothing to close.
        while self._view is not None and self.result is None and not self._hurry.is_set():
            if self.error is not None or self._since_s(begun_ns) > STOP_LIMIT_S:
                break
            select.select([inference.link], [], [], LOOK_S)
            self._look_at_inference(inference)
        if self.result is None and self._view is not None:
            self.result = _last_known(self._view.snapshot, self._plan.title)
        if self.result is not None:
            sensors = tuple(_account(guard.watch.status) for guard in self._guards)
            self.result = replace(self.result, notes=(*self.result.notes, *sensors))

    # Sensors

    def _look_at_sensors(self) -> None:
        for guard in self._guards:
            try:
                guard.look(self._clock.monotonic_ns())
            except SourceError as error:
                self.error = error
            for text in guard.watch.news():
                self.ask(Note(text))
        self._set_sound_offset()

    def _set_sound_offset(self) -> None:
        """Once both devices are known: what `egoact calibrate-av` measured for this pair."""
        devices = tuple(guard.watch.status.device for guard in self._guards if guard.watch.seen_running)
        if len(devices) < 2 or devices == self._offset_of:
            return
        self._offset_of = devices
        try:
            offset_ms = stored_av_offset_ms(devices[0], devices[1])
        except EgoactError as error:
            self.ask(Note(str(error)))
            return
        if offset_ms is not None:
            # The camera's times come later by it: the sound of the same moment lies earlier on the axis.
            self.ask(SoundDelay(-offset_ms))
            self.ask(Note(f"sound is shifted by {offset_ms:+.0f} ms, as measured for this camera and microphone"))

    # End

    def _end_everything(self) -> None:
        children = [guard.child for guard in self._guards if guard.child is not None]
        for child in children:
            child.link.send(Stop())
        if self._inference is not None:
            # Its last message came just before its end.
            if self.result is None or self.error is not None or not self._inference.reap(2.0):
                self._inference.process.kill()
            children.append(self._inference)
        for child in children:
            if self._hurry.is_set() or not child.reap(1.0):
                child.kill()
            child.close()

    def _since_s(self, t_ns: int) -> float:
        return (self._clock.monotonic_ns() - t_ns) / NS_PER_S


def _account(sensor: SensorStatus) -> str:
    """What became of everything that a sensor gave, one line."""
    name = SENSOR_NAMES[sensor.modality]
    unit = "frames" if sensor.modality == "video" else "samples"
    age = f", age p99 {sensor.age_ms[2]:.0f} ms" if sensor.age_ms else ""
    return (
        f"{name} {sensor.device}: {sensor.delivered} {unit} delivered, {sensor.lost} lost, {sensor.corrupt} corrupt, "
        f"opened again {sensor.restarts} times{age}"
    )


def _last_known(snapshot: Snapshot, title: str) -> RunResult:
    """The result of a run whose inference process is gone: what its last snapshot said."""
    telemetry = snapshot.telemetry
    return RunResult(
        title=title,
        clip=title,
        duration_s=snapshot.stream_ns / NS_PER_S,
        labels=snapshot.labels,
        background_label=snapshot.background_label,
        pace="live",
        rows=(),
        predictions=(),
        segments=snapshot.closed_segments,
        # Nobody will use the frames that were waiting.
        telemetry=replace(telemetry, dropped_frames=telemetry.captured_frames - telemetry.used_frames),
        notes=(),
    )
