"""A rig without hardware for measuring live runs: the shim's camera and a sound server's microphone play a clip.

Everything from the system calls upwards is what a real rig runs; only the sensor, the bus and the sound card are not.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from edge.bundle import Bundle
from edge.contract import AudioBlock, Snapshot
from edge.live.plan import LivePlan, camera_plan, microphone_plan
from edge.live.supervisor import Supervisor
from edge.sources.replay import ReplaySource
from tests.capture.emitter import PIPE_BYTES, Pipe
from tests.capture.pulse import PulseServer
from tests.capture.shim import DEVICE, jpeg_frames, shim_env, write_frames

BLOCK_S = 0.01
SOUND_HZ = 48_000
PATIENCE_S = 60.0


class Rig:
    """The devices and one live run on them."""

    def __init__(self, supervisor: Supervisor, control: Path, sound: PulseServer) -> None:
        self.supervisor = supervisor
        self.sound = sound
        self._control = control

    def fault(self, name: str) -> None:
        """'unplugged', 'stalled' or 'hung': the camera is so until `mend`."""
        (self._control / name).touch()

    def mend(self, name: str) -> None:
        (self._control / name).unlink()

    def until(self, what: Callable[[Snapshot], object], patience_s: float = PATIENCE_S) -> float:
        """Seconds until `what` holds."""
        begun_s = time.monotonic()
        while not what(self.supervisor.latest()):
            if not self.supervisor.alive or time.monotonic() - begun_s > patience_s:
                raise RuntimeError(f"the run did not come to it: {self.supervisor.error or self.supervisor.latest()}")
            time.sleep(0.005)
        return time.monotonic() - begun_s


@contextmanager
def devices(clip: Path, folder: Path) -> Iterator[tuple[Path, PulseServer]]:
    """The camera DEVICE and the server's microphone, for processes started inside; gives the camera's faults folder."""
    control, pulse = folder / "control", folder / "pulse"
    control.mkdir()
    pulse.mkdir()
    film, sound = _film(clip, folder / "film"), _sound(clip)
    with ExitStack() as stack:
        server = stack.enter_context(PulseServer(pulse, rate_hz=SOUND_HZ))
        stack.enter_context(_playing(server, sound))
        stack.enter_context(_environment(shim_env(film[0], film[1], control=control)))
        yield control, server


@contextmanager
def rig(clip: Path, folder: Path, bundle: Bundle, *, threads: int, precision: str, jsonl: Path | None) -> Iterator[Rig]:
    """A live run with labels from both devices; ended when the block is left."""
    with devices(clip, folder) as (control, server):
        sensors = (camera_plan(DEVICE, bundle.window), microphone_plan(server.device, bundle.window))
        supervisor = Supervisor(LivePlan(bundle, sensors, threads, precision, jsonl=jsonl))
        supervisor.start()
        try:
            running = Rig(supervisor, control, server)
            running.until(lambda s: s.prediction is not None and min(covered(s)) >= 0.9)
            yield running
        finally:
            supervisor.stop()
            supervisor.wait()


def covered(snapshot: Snapshot) -> tuple[float, float]:
    """Coverage of picture and sound of the newest label."""
    newest = snapshot.prediction
    return (0.0, 0.0) if newest is None else (newest.video_coverage, newest.audio_coverage)


def _film(clip: Path, path: Path) -> tuple[Path, str]:
    """The clip as a camera gives it: Motion JPEG."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    height, width = pictures[0].shape[:2]
    return write_frames(path, jpeg_frames(pictures)), f"MJPG:{width}x{height}@30"


def _sound(clip: Path) -> NDArray[np.int16]:
    """The clip's sound, int16 [n] at SOUND_HZ (by repeating samples: what it sounds like does not matter here)."""
    from edge.contract import WindowSpec

    source = ReplaySource(clip, WindowSpec(frame_size_px=32))
    source.open()
    blocks = []
    while (event := source.read(0)) is not None:
        if isinstance(event, AudioBlock):
            blocks.append(event.samples)
    source.close()
    mono = np.concatenate(blocks).repeat(SOUND_HZ // 16_000)
    return (mono.clip(-1, 1) * 32_767).astype(np.int16)


@contextmanager
def _playing(server: PulseServer, sound: NDArray[np.int16]) -> Iterator[None]:
    """The clip's sound, again and again, in real time into the virtual microphone."""
    stop = threading.Event()
    block = round(BLOCK_S * SOUND_HZ)

    def play() -> None:
        pipe, due_s, at = Pipe(str(server.fifo), PIPE_BYTES), time.monotonic(), 0
        while not stop.wait(max(0.0, due_s - time.monotonic())):
            pipe.write(sound[at : at + block].tobytes())
            at = (at + block) % (len(sound) - block)
            due_s += BLOCK_S

    player = threading.Thread(target=play, daemon=True)
    player.start()
    try:
        yield
    finally:
        stop.set()
        player.join()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """For the children; this process itself has no camera."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
