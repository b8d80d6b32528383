"""Announcements: what is written comes out in order, and a full pipe loses news, not sense."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from edge.contract import FramesStored, SensorAway, SoundStored
from edge.live.announce import AnnouncementPipe, announce, read_announcements


@pytest.fixture
def pipe() -> Iterator[AnnouncementPipe]:
    made = AnnouncementPipe.create()
    yield made
    for descriptor in made:
        os.close(descriptor)


def test_everything_comes_out_in_order(pipe: AnnouncementPipe) -> None:
    said = [
        FramesStored(2**40, 7),
        SoundStored(123),
        SensorAway("video"),
        SensorAway("audio"),
        FramesStored(2**40 + 1, 8),
    ]
    for announcement in said:
        announce(pipe.write_fd, announcement)
    assert read_announcements(pipe.read_fd) == said
    assert read_announcements(pipe.read_fd) == []


def test_a_full_pipe_never_blocks_and_the_next_word_makes_up_for_the_lost_ones(pipe: AnnouncementPipe) -> None:
    for tick in range(10_000):
        announce(pipe.write_fd, FramesStored(tick, tick))
    heard = []
    while news := read_announcements(pipe.read_fd):
        heard += news
    assert heard == [FramesStored(tick, tick) for tick in range(len(heard))]
    assert 100 < len(heard) < 10_000
    announce(pipe.write_fd, FramesStored(10_000, 10_000))
    assert read_announcements(pipe.read_fd) == [FramesStored(10_000, 10_000)]


def test_a_reader_that_is_gone_does_not_hurt_the_writer() -> None:
    pipe = AnnouncementPipe.create()
    os.close(pipe.read_fd)
    announce(pipe.write_fd, SoundStored(1))
    os.close(pipe.write_fd)
