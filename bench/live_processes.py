"""Processes or threads? The same live run with everything in one process against a process for each part.

Both ways run the very same classes: a camera that resizes a 1280x720 picture for every frame, a microphone with blocks
of 10 ms, and inference with the shipped bundle, its JSON lines and its snapshots. Measured at the sensors, which are
paced by the clock: how old a frame or a block is when it is stored. In turns, from before the engines are loaded.

What threads cannot do at all: end a camera read that hangs.

example:
  python -m bench.live_processes --seconds 30 --repeats 3
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import numpy as np

from edge.bundle import SHIPPED, Bundle, load_bundle
from edge.clock import Clock
from edge.contract import NS_PER_S, AudioBlock, Frame, WindowSpec
from edge.live.announce import AnnouncementPipe
from edge.live.inference import Inference
from edge.live.link import Link
from edge.live.memory import SharedRings
from edge.live.messages import InferenceSetup, SensorReport, SensorSetup, Stop, View
from edge.live.plan import LivePlan, SensorPlan
from edge.live.sensor_process import SensorProcess
from edge.live.supervisor import Supervisor
from edge.preprocess import resize_crop
from edge.sources.sensor import SensorFacts

Ages = tuple[float, float, float]


class PacedCamera:
    """30 frames a second by the clock, each resized when it is due."""

    def __init__(self, spec: WindowSpec) -> None:
        self._spec = spec
        self._picture = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), np.uint8)

    def open(self, origin_ns: int) -> None:
        self._origin_ns = origin_ns
        self._tick = (time.monotonic_ns() - origin_ns) * self._spec.frame_rate_hz // NS_PER_S + 1

    def read(self, timeout_s: float) -> tuple[Frame, ...]:
        due_ns = self._spec.tick_ns(self._tick)
        time.sleep(max(0, self._origin_ns + due_ns - time.monotonic_ns()) / NS_PER_S)
        frame = Frame(self._tick, due_ns, resize_crop(self._picture, self._spec.frame_size_px))
        self._tick += 1
        return (frame,)

    def facts(self) -> SensorFacts:
        return SensorFacts("paced camera", "RGB 1280x720 @ 30 Hz", "kernel")

    def close(self) -> None:
        """Nothing to release."""


class PacedMicrophone:
    """A hundred blocks a second by the clock."""

    def __init__(self, spec: WindowSpec) -> None:
        self._rate_hz = spec.audio_rate_hz
        self._block = np.random.default_rng(0).normal(0, 0.1, self._rate_hz // 100).astype(np.float32)

    def open(self, origin_ns: int) -> None:
        self._origin_ns = origin_ns
        self._sample = (time.monotonic_ns() - origin_ns) * self._rate_hz // NS_PER_S

    def read(self, timeout_s: float) -> tuple[AudioBlock, ...]:
        end = self._sample + len(self._block)
        due_ns = self._origin_ns + end * NS_PER_S // self._rate_hz
        time.sleep(max(0, due_ns - time.monotonic_ns()) / NS_PER_S)
        block, self._sample = AudioBlock(self._sample, self._block), end
        return (block,)

    def facts(self) -> SensorFacts:
        return SensorFacts("paced microphone", "16000 Hz", "sample count")

    def close(self) -> None:
        """Nothing to release."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="processor threads of the engines")
    args = parser.parse_args()
    bundle, ways = load_bundle(SHIPPED), {"threads": in_threads, "processes": in_processes}
    found: dict[str, list[dict[str, Ages]]] = {name: [] for name in ways}
    for _ in range(args.repeats):
        for name, way in ways.items():
            found[name].append(way(bundle, args.seconds, args.threads))
    print("| | frame age p50 / p95 / p99 (ms) | sound age p50 / p95 / p99 (ms) | label age p50 / p95 / p99 (ms) |")
    print("|---|---|---|---|")
    for name, runs in found.items():
        cells = [" / ".join(f"{median(run[what][i] for run in runs):.1f}" for i in range(3)) for what in runs[0]]
        print(f"| {name} | {' | '.join(cells)} |")
    print(json.dumps(found))


def in_processes(bundle: Bundle, seconds: float, threads: int) -> dict[str, Ages]:
    """As `egoact live` runs."""
    spec, module = bundle.window, "bench.live_processes"
    sensors = (
        SensorPlan("video", "paced", f"{module}:PacedCamera", (spec,)),
        SensorPlan("audio", "paced", f"{module}:PacedMicrophone", (spec,)),
    )
    with tempfile.TemporaryDirectory() as name:
        supervisor = Supervisor(LivePlan(bundle, sensors, threads, jsonl=Path(name) / "labels.jsonl"))
        supervisor.start()
        time.sleep(seconds)
        snapshot = supervisor.latest()
        supervisor.stop()
        supervisor.wait()
    camera, microphone = snapshot.sensors
    return _ages(camera.age_ms, microphone.age_ms, snapshot.telemetry.label_age_ms)


def in_threads(bundle: Bundle, seconds: float, threads: int) -> dict[str, Ages]:
    """The same parts as threads of this process."""
    spec, clock, pipe = bundle.window, Clock(), AnnouncementPipe.create()
    rings, origin_ns = SharedRings.create(spec, 8.0), clock.monotonic_ns()
    ours, running, parts = [], [], []
    for modality, sensor in (("video", PacedCamera(spec)), ("audio", PacedMicrophone(spec))):
        link, theirs = Link.pair()
        setup = SensorSetup(modality, "", (), origin_ns, rings, pipe.write_fd)  # type: ignore[arg-type]
        parts.append(SensorProcess(setup, sensor, Link(theirs), clock))
        ours.append(link)
        running.append(threading.Thread(target=parts[-1].run))
        running[-1].start()
    link, theirs = Link.pair()
    ours.append(link)
    with tempfile.TemporaryDirectory() as name:
        jsonl = Path(name) / "labels.jsonl"
        loading = InferenceSetup(
            bundle.path, "auto", threads, "threads", jsonl, origin_ns, rings, pipe.read_fd, frozenset()
        )
        until_s = time.monotonic() + seconds
        inference = Inference(loading, Link(theirs))
        running.append(threading.Thread(target=inference.run))
        running[-1].start()
        newest: dict[int, object] = {}
        while time.monotonic() < until_s:
            for index, end in enumerate(ours):
                while (message := end.receive(0.01)) is not None:
                    newest[index] = message
        inference.take(Stop())
        for part in parts:
            part.stop()
        for thread in running:
            thread.join()
    camera, microphone, view = newest[0], newest[1], newest[2]
    assert isinstance(camera, SensorReport)
    assert isinstance(microphone, SensorReport)
    assert isinstance(view, View)
    return _ages(camera.age_ms, microphone.age_ms, view.snapshot.telemetry.label_age_ms)


def _ages(frame: Ages | None, sound: Ages | None, label: Ages | None) -> dict[str, Ages]:
    assert frame is not None
    assert sound is not None
    assert label is not None, "no label yet: let it run longer"
    return {"frame": frame, "sound": sound, "label": label}


if __name__ == "__main__":
    main()
