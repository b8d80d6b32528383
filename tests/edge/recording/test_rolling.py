"""The rolling recording: files that follow each other, room that is kept, and a disk that misbehaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from edge.contract import NS_PER_S, AudioBlock, Frame, WindowSpec
from edge.errors import EgoactError
from edge.recording import rolling
from edge.recording.disk_budget import DiskBudget
from edge.recording.rolling import RollingRecorder
from edge.sources.replay import ReplaySource
from tests.edge.recording.playing import files, play
from tests.edge.recording.streams import noisy_stream
from tests.tiny_bundle import SPEC

PLENTY = 10**12


class HandClock:
    def __init__(self) -> None:
        self.now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wait_until_ns(self, t_ns: int, stop: threading.Event) -> bool:
        raise AssertionError("a recording waits for nothing")


def budget(folder: Path, max_bytes: int = PLENTY, free: Callable[[Path], int] = lambda folder: PLENTY) -> DiskBudget:
    return DiskBudget(folder, max_bytes, 1000, free)


def feed(
    recorder: RollingRecorder, frames: Sequence[Frame], sound: Sequence[AudioBlock], late_ms: int = 0
) -> Iterator[None]:
    """Give everything in the order of time, the sound `late_ms` later than the pictures; one step a frame."""
    blocks = list(sound)
    for frame in frames:
        recorder.frame(frame)
        heard_until = frame.tick * SPEC.audio_rate_hz // SPEC.frame_rate_hz - 16 * late_ms
        while blocks and blocks[0].start_sample <= heard_until:
            recorder.sound(blocks.pop(0))
        yield
    for block in blocks:
        recorder.sound(block)


def drained(recorder: RollingRecorder) -> None:
    """Wait until the thread has taken all that was given."""
    limit_s = time.monotonic() + 30
    while recorder.state.waiting and time.monotonic() < limit_s:
        time.sleep(0.005)


def record(
    folder: Path, frames: Sequence[Frame], sound: Sequence[AudioBlock], *, segment_s: float = 2.0, late_ms: int = 0
) -> RollingRecorder:
    recorder = RollingRecorder(folder, SPEC, budget(folder), segment_s=segment_s)
    for step, _ in enumerate(feed(recorder, frames, sound, late_ms)):
        if step % 30 == 0:
            drained(recorder)
    recorder.close(30)
    return recorder


@pytest.mark.parametrize("late_ms", [0, 400])
def test_files_follow_each_other_without_a_gap(late_ms: int, tmp_path: Path) -> None:
    frames, sound = noisy_stream(SPEC, 150)
    recorder = record(tmp_path, frames, sound, late_ms=late_ms)
    assert [path.name.split("-")[1] for path in files(tmp_path)] == ["000001", "000002", "000003"]
    played = [play(path) for path in files(tmp_path)]
    assert [len(pictures) for pictures, _, _ in played] == [60, 60, 30]
    joined = np.concatenate([samples for _, samples, _ in played])
    given = np.concatenate([block.samples for block in sound])
    assert all(heard.all() for _, _, heard in played)
    assert len(joined) == len(given)
    assert np.abs(joined - given).max() < 2 / 32767
    state = recorder.state
    assert (state.frames, state.dropped, state.problem, state.writing) == (150, 0, None, False)


def test_pictures_look_like_the_original(tmp_path: Path) -> None:
    spec = WindowSpec(frame_size_px=128)
    ramp = np.linspace(0, 255, 128).astype(np.uint8)
    image = np.stack([np.tile(ramp, (128, 1)), np.tile(ramp[:, None], (1, 128)), np.full((128, 128), 90, np.uint8)], -1)
    recorder = RollingRecorder(tmp_path, spec, budget(tmp_path))
    for tick in range(30):
        recorder.frame(Frame(tick, spec.tick_ns(tick), np.roll(image, tick, 1)))
    recorder.close(30)
    source = ReplaySource(files(tmp_path)[0], spec)
    source.open()
    event = source.read(1.0)
    while not isinstance(event, Frame):
        event = source.read(1.0)
    source.close()
    error = np.abs(event.image.astype(int) - image).mean()
    assert error < 4, f"mean difference of {error:.1f} grey levels"


def test_gaps_of_the_camera_stay_gaps(tmp_path: Path) -> None:
    frames, sound = noisy_stream(SPEC, 120, unseen=[range(20, 50)])
    record(tmp_path, frames, sound, segment_s=10)
    pictures, _, _ = play(files(tmp_path)[0])
    stale = [frame.tick for frame in pictures if SPEC.tick_ns(frame.tick) - frame.t_ns > 0.25 * NS_PER_S]
    assert len(pictures) == 120
    assert set(range(28, 50)) <= set(stale) <= set(range(26, 50))


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    record(folder, noisy_stream(SPEC, 10)[0], ())
    assert folder.stat().st_mode & 0o777 == 0o700
    assert files(folder)[0].stat().st_mode & 0o777 == 0o600


def test_an_image_may_change_after_the_call(tmp_path: Path) -> None:
    recorder = RollingRecorder(tmp_path, SPEC, budget(tmp_path))
    image = np.full((32, 32, 3), 200, np.uint8)
    for tick in range(10):
        image[:] = 200
        recorder.frame(Frame(tick, SPEC.tick_ns(tick), image))
        image[:] = 0
    recorder.close(30)
    pictures, _, _ = play(files(tmp_path)[0])
    assert all(abs(int(frame.image.mean()) - 200) < 5 for frame in pictures)


def own_file(folder: Path, number: int, size: int) -> Path:
    path = folder / f"egoact-{number:06d}-20261124T093000.mkv"
    path.write_bytes(bytes(size))
    return path


def test_the_oldest_of_its_own_files_go_first(tmp_path: Path) -> None:
    own = [own_file(tmp_path, number, 100) for number in (9, 10, 100, 101)]
    others = [tmp_path / "holiday.mkv", tmp_path / "egoact-1.mkv", tmp_path / "egoact-000001-20261124T093000.mkv.bak"]
    for path in others:
        path.write_bytes(bytes(10_000))
    link = tmp_path / "egoact-000002-20261124T093000.mkv"
    link.symlink_to(others[0])
    limit = budget(tmp_path, max_bytes=250)
    assert limit.make_room()
    assert limit.deleted == 2
    assert [path.exists() for path in own] == [False, False, True, True]
    assert all(path.exists() for path in (*others, link))
    assert limit.next_path(rolling.datetime(2026, 11, 24, 10, 0, 0)).name == "egoact-000102-20261124T100000.mkv"


def test_below_the_floor_the_newest_file_stays(tmp_path: Path) -> None:
    own = [own_file(tmp_path, number, 100) for number in range(5)]
    limit = budget(tmp_path, free=lambda folder: 0)
    assert not limit.make_room()
    assert [path.exists() for path in own] == [False] * 4 + [True]


def test_the_recording_stays_within_its_room(tmp_path: Path) -> None:
    frames, sound = noisy_stream(SPEC, 600)
    clock = HandClock()
    limit = budget(tmp_path, max_bytes=400_000)
    recorder = RollingRecorder(tmp_path, SPEC, limit, segment_s=2.0, clock=clock)
    largest = 0
    for _ in feed(recorder, frames, sound):
        drained(recorder)
        clock.now_ns += NS_PER_S // 2
        largest = max(largest, sum(path.stat().st_size for path in files(tmp_path)))
    recorder.close(30)
    state = recorder.state
    assert state.deleted_files > 2
    assert state.problem is None
    assert largest < 1.5 * 400_000
    pictures, _, _ = play(files(tmp_path)[-1])
    assert pictures, "the newest file is there and plays"


def test_a_full_disk_is_said_once_and_the_recording_goes_on_by_itself(tmp_path: Path) -> None:
    free, clock, said = [PLENTY], HandClock(), []
    limit = budget(tmp_path, free=lambda folder: free[0])
    recorder = RollingRecorder(tmp_path, SPEC, limit, segment_s=60, say=said.append, clock=clock)
    frames, _ = noisy_stream(SPEC, 90)
    for tick, frame in enumerate(frames):
        if tick == 30:
            free[0] = 0
        if tick == 60:
            free[0] = PLENTY
        recorder.frame(frame)
        drained(recorder)
        clock.now_ns += NS_PER_S
    recorder.close(30)
    assert said == ["recording paused: no room on the disk; labels go on", "recording goes on: there is room again"]
    first, second = (play(path)[0] for path in files(tmp_path))
    state = recorder.state
    assert len(first) + len(second) == state.frames
    assert state.frames + state.dropped == 90
    assert len(first) >= 30, "what was written stays"
    assert state.dropped >= 20


def test_a_disk_that_hangs_never_holds_up_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hang(*args: object) -> None:
        release.wait(60)

    monkeypatch.setattr(rolling.ClipWriter, "frame", hang)
    recorder = RollingRecorder(tmp_path, SPEC, budget(tmp_path))
    frames, _ = noisy_stream(SPEC, 900)
    slowest_s = 0.0
    for frame in frames:
        start_s = time.perf_counter()
        recorder.frame(frame)
        slowest_s = max(slowest_s, time.perf_counter() - start_s)
    assert slowest_s < 2, "a call never waits for the disk"
    held = round(rolling.QUEUE_S * (SPEC.frame_rate_hz + rolling.BLOCKS_A_S))
    assert recorder.state.dropped >= 900 - held - 1
    start_s = time.monotonic()
    recorder.close(0.3)
    assert time.monotonic() - start_s < 5
    release.set()


def test_a_write_that_fails_ends_the_file_and_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    real = rolling.ClipWriter.frame

    def fails_at_20(writer: rolling.ClipWriter, tick: int, image: np.ndarray) -> None:
        if tick >= 20:
            raise OSError(28, "No space left on device")
        real(writer, tick, image)

    monkeypatch.setattr(rolling.ClipWriter, "frame", fails_at_20)
    recorder = RollingRecorder(tmp_path, SPEC, budget(tmp_path), say=said.append)
    for frame in noisy_stream(SPEC, 60)[0]:
        recorder.frame(frame)
    recorder.close(30)
    assert said == ["recording paused: No space left on device; labels go on"]
    assert recorder.state.problem == "No space left on device"
    assert len(play(files(tmp_path)[0])[0]) == 20


def test_a_file_that_cannot_be_finished_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def fails(writer: rolling.ClipWriter) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rolling.ClipWriter, "close", fails)
    recorder = RollingRecorder(tmp_path, SPEC, budget(tmp_path), say=said.append)
    recorder.frame(noisy_stream(SPEC, 1)[0][0])
    recorder.close(30)
    assert said == [f"{files(tmp_path)[0].name}: its end is not written: No space left on device"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EgoactError, match="cannot be recorded to"):
        RollingRecorder(tmp_path / "file" / "in", SPEC, budget(tmp_path))


def test_closing_twice_and_giving_after_the_end(tmp_path: Path) -> None:
    recorder = RollingRecorder(tmp_path, SPEC, budget(tmp_path))
    recorder.close()
    recorder.close(0.1)
    recorder.frame(noisy_stream(SPEC, 1)[0][0])
    assert recorder.state.dropped == 1
    assert files(tmp_path) == []
