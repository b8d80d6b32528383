"""A rolling recording: files of some minutes, the oldest deleted when there is no more room. Off unless asked for.

    capture -> frame(), sound() -> queue -> one thread -> ClipWriter -> egoact-000042-20261124T093000.mkv

The two calls copy and return: a slow or full disk never holds up capture or inference. What finds the queue full is
dropped and counted.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import av

from edge.clock import Clock
from edge.contract import NS_PER_S, AudioBlock, Frame, WindowSpec
from edge.errors import EgoactError
from edge.recording.clip_writer import ClipWriter, small_codec
from edge.recording.disk_budget import DiskBudget
from edge.text import printable

QUEUE_S = 4.0
"""How long the disk may be away before frames are dropped; sound blocks are small and count too."""

BLOCKS_A_S = 100
LATE_TICKS = 30
"""A file stays open this long after its end for sound that comes later than the pictures."""

CHECK_S, RETRY_S = 5.0, 10.0
"""How often free space is looked at while recording, and while there is none."""

FEWEST_FILES = 4
"""A file ends early when it takes a larger share of what the recording may take: something must be left to delete."""


@dataclass(frozen=True)
class RecordingState:
    """What a view shows of the recording."""

    writing: bool
    """False while the disk is full, and after `close`."""
    frames: int
    """Frames written."""
    dropped: int
    """Frames and blocks that found the queue full, or came while there was no room on the disk."""
    waiting: int
    """Frames and blocks in the queue."""
    deleted_files: int
    problem: str | None
    """Why nothing is written; None while all is well."""


class RollingRecorder:
    """Records what it is given until `close`. `frame`, `sound` and `state` may be called from any thread.

    A problem of the disk is said once through `say` and never raised; what was written stays, and the recording
    goes on by itself once there is room.
    """

    def __init__(
        self,
        folder: Path,
        spec: WindowSpec,
        budget: DiskBudget,
        *,
        segment_s: float = 300.0,
        say: Callable[[str], None] = lambda text: None,
        clock: Clock | None = None,
    ) -> None:
        """Make the folder, mode 700, and start the thread.

        Raises:
            EgoactError: the folder cannot be made or written to.
        """
        self._spec = spec
        self._budget = budget
        self._segment_ticks = max(LATE_TICKS, round(segment_s * spec.frame_rate_hz))
        self._say = say
        self._clock = clock or Clock()
        self._queue: queue.Queue[Frame | AudioBlock | None] = queue.Queue(
            round(QUEUE_S * (spec.frame_rate_hz + BLOCKS_A_S))
        )
        self._counting = threading.Lock()
        self._frames = self._dropped = 0
        self._problem: str | None = None
        self._closed = False
        self._files: list[_File] = []
        self._next_check_ns = 0
        self._held_ns: int | None = None
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            budget.make_room()
            probe = budget.next_path(datetime.now())
            probe.touch(mode=0o600)
            probe.unlink()
        except OSError as error:
            shown = printable(str(folder))
            raise EgoactError(f"{shown}: cannot be recorded to: {error.strerror}; name another folder") from error
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def frame(self, frame: Frame) -> None:
        """Take a grid frame; its image is copied, so it may lie in a ring."""
        if self._has_room():
            self._put(frame._replace(image=frame.image.copy()))

    def sound(self, block: AudioBlock) -> None:
        """Take a block of sound on the picture's axis; its samples are copied."""
        if self._has_room():
            self._put(block._replace(samples=block.samples.copy()))

    @property
    def state(self) -> RecordingState:
        with self._counting:
            writing = self._problem is None and not self._closed
            return RecordingState(
                writing, self._frames, self._dropped, self._queue.qsize(), self._budget.deleted, self._problem
            )

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what waits, finish the files, end the thread; a disk that hangs is left alone after the time."""
        self._closed = True
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _has_room(self) -> bool:
        # Asked before the copy is made; a queue that fills up between the two is noticed by `_put`.
        if self._closed or self._queue.full():
            self._count(dropped=1)
            return False
        return True

    def _put(self, item: Frame | AudioBlock) -> None:
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._count(dropped=1)

    def _count(self, *, frames: int = 0, dropped: int = 0) -> None:
        with self._counting:
            self._frames += frames
            self._dropped += dropped

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                self._take(item)
            except (OSError, av.FFmpegError) as error:
                self._count(dropped=1)
                self._pause(error.strerror or str(error))
        self._close_files()

    def _take(self, item: Frame | AudioBlock) -> None:
        if isinstance(item, Frame):
            tick = item.tick
        else:
            tick = item.start_sample * self._spec.frame_rate_hz // self._spec.audio_rate_hz
        if not self._disk_has_room(tick):
            self._count(dropped=1)
            return
        for done in [file for file in self._files if tick >= file.end_tick + LATE_TICKS]:
            self._files.remove(done)
            done.writer.close()
        file = self._file_of(tick)
        if isinstance(item, Frame):
            if item.t_ns == self._held_ns and file is not None:
                return  # held over several ticks: the replay holds it again, and as long
            (file or self._begin(tick)).writer.frame(item.tick, item.image)
            self._held_ns = item.t_ns
            self._count(frames=1)
        elif file is not None:
            file.writer.sound(item)
        # Sound while there is no picture is left out: a replay could not place it.

    def _file_of(self, tick: int) -> _File | None:
        return next((file for file in self._files if file.start_tick <= tick < file.end_tick), None)

    def _begin(self, tick: int) -> _File:
        path, codec = self._budget.next_path(datetime.now()), small_codec()
        metadata = {"egoact_start_tick": str(tick)}
        try:
            writer = ClipWriter(path, self._spec, tick, codec, exact_sound=False, metadata=metadata)
        except (OSError, av.FFmpegError):
            path.unlink(missing_ok=True)
            raise
        file = _File(path, writer, tick, tick + self._segment_ticks)
        self._files.append(file)
        return file

    def _disk_has_room(self, tick: int) -> bool:
        """Looks at the disk from time to time; in between, what it found last."""
        now_ns = self._clock.monotonic_ns()
        if now_ns < self._next_check_ns:
            return self._problem is None
        if not self._budget.make_room():
            self._pause("no room on the disk")
            return False
        for file in self._files:
            if file.path.stat().st_size > self._budget.max_bytes / FEWEST_FILES:
                file.end_tick = min(file.end_tick, tick)
        self._next_check_ns = now_ns + round(CHECK_S * NS_PER_S)
        with self._counting:
            again, self._problem = self._problem is not None, None
        if again:
            self._say("recording goes on: there is room again")
        return True

    def _pause(self, reason: str) -> None:
        """Close everything, say it once, try again later."""
        self._next_check_ns = self._clock.monotonic_ns() + round(RETRY_S * NS_PER_S)
        self._fail(f"recording paused: {printable(reason)}; labels go on", reason)
        self._close_files()

    def _fail(self, text: str, reason: str) -> None:
        with self._counting:
            first, self._problem = self._problem is None, reason
        if first:
            self._say(text)

    def _close_files(self) -> None:
        """Close all files; one that cannot be finished keeps what it has."""
        files, self._files = self._files, []
        for file in files:
            try:
                file.writer.close()
            except (OSError, av.FFmpegError) as error:
                reason = error.strerror or str(error)
                self._fail(f"{printable(file.path.name)}: its end is not written: {printable(reason)}", reason)


@dataclass
class _File:
    """A file that is being written."""

    path: Path
    writer: ClipWriter
    start_tick: int
    end_tick: int
