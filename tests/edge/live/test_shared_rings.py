"""Rings shared by two processes: nothing torn is ever taken for a frame, and a dead writer's successor goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from edge.contract import AudioBlock, Frame, FramesStored, WindowSpec
from edge.live.announce import AnnouncementPipe, read_announcements
from edge.live.memory import SharedRings

SPEC = WindowSpec(frame_size_px=128)
RING_S = 2.0
STRESS_S = 2.0

WRITER = """
import sys, time
import numpy as np
from edge.contract import AudioBlock, Frame, FramesStored, WindowSpec
from edge.live.announce import announce
from edge.live.memory import SharedRings

video_fd, audio_fd, write_fd, pause_s = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
spec = WindowSpec(frame_size_px=128)
rings = SharedRings(spec, video_fd, 60, audio_fd, 32_000)
video, audio = rings.video(), rings.audio()
image = np.empty((128, 128, 3), np.uint8)
while True:
    tick = video.next_tick
    image[:] = tick % 251
    video.put(Frame(tick, spec.tick_ns(tick), image))
    audio.put(AudioBlock(tick * 533, np.full(533, tick + 1, np.float32)))
    announce(write_fd, FramesStored(video.next_tick, video.frames))
    time.sleep(pause_s) if pause_s else None
"""


@pytest.fixture
def rings() -> Iterator[SharedRings]:
    shared = SharedRings.create(SPEC, RING_S)
    yield shared
    shared.close()


@pytest.fixture
def pipe() -> Iterator[AnnouncementPipe]:
    made = AnnouncementPipe.create()
    yield made
    for descriptor in made:
        os.close(descriptor)


def writer(rings: SharedRings, pipe: AnnouncementPipe, pause_s: float) -> subprocess.Popen[bytes]:
    descriptors = (rings.video_fd, rings.audio_fd, pipe.write_fd)
    return subprocess.Popen([sys.executable, "-c", WRITER, *map(str, descriptors), str(pause_s)], pass_fds=descriptors)


@pytest.mark.parametrize("pause_s", [0.0, 0.001])
def test_nothing_torn_at_full_speed(rings: SharedRings, pipe: AnnouncementPipe, pause_s: float) -> None:
    """The writer goes round every few milliseconds; a row takes one to copy, so that many are overtaken on the way."""
    video, audio = rings.video(), rings.audio()
    process = writer(rings, pipe, pause_s)
    whole = overtaken = wrong_sound = 0
    try:
        until_s = time.monotonic() + STRESS_S
        while time.monotonic() < until_s:
            for news in read_announcements(pipe.read_fd):
                assert isinstance(news, FramesStored)
                video.announced(news.next_tick, news.frames)
                audio.announced(news.next_tick * 533)
            start_tick = video.next_tick - SPEC.row_frames
            if start_tick < 0:
                continue
            window = video.row(start_tick, max_age_s=1e9)
            darkest, brightest = window.frames.min(axis=(1, 2, 3)), window.frames.max(axis=(1, 2, 3))
            if window.numbers:
                assert (darkest == brightest).all(), "a torn frame was taken for a whole one"
            if window.coverage == 1.0:
                whole += 1
                assert darkest.tolist() == [tick % 251 for tick in range(start_tick, start_tick + SPEC.row_frames)]
            else:
                overtaken += 1
            end_sample = video.next_tick * 533
            sound = audio.window(end_sample, 16_000).samples
            right = np.arange(end_sample - 16_000, end_sample) // 533 + 1
            wrong_sound += int(((sound != 0) & (sound != right)).sum())
    finally:
        process.kill()
        process.wait()
    assert wrong_sound == 0
    assert whole > 10
    assert pause_s > 0 or overtaken > 0, "the writer was too slow for this test to mean anything"


def test_the_successor_of_a_killed_writer_goes_on_where_it_stopped(rings: SharedRings, pipe: AnnouncementPipe) -> None:
    video = rings.video()
    last = 0
    for _ in range(3):
        process = writer(rings, pipe, 0.0)
        while video.next_tick < last + 40:
            for news in read_announcements(pipe.read_fd):
                assert isinstance(news, FramesStored)
                assert news.next_tick == news.frames
                assert news.next_tick >= video.next_tick, "ticks went back"
                video.announced(news.next_tick, news.frames)
        process.kill()
        process.wait()
        last = video.next_tick
    assert last >= 120


def test_rings_leave_nothing_behind(rings: SharedRings) -> None:
    assert [name for name in os.listdir("/dev/shm") if "egoact" in name] == []
    rings.video().put(Frame(0, 0, np.zeros((128, 128, 3), np.uint8)))
    rings.audio().put(AudioBlock(0, np.ones(10, np.float32)))
    assert rings.video().frames == 1
    assert rings.audio().next_sample == 10
