"""Announcements of what sensor processes stored: fixed binary records through one pipe.

A record of at most PIPE_BUF bytes is written as a whole or not at all (POSIX write(2)), also when its writer is killed.
The numbers are cumulative: a record that found the pipe full is superseded by the next one.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from typing import NamedTuple

from edge.contract import FramesStored, SensorAway, SoundStored

Announcement = FramesStored | SoundStored | SensorAway

_RECORD = struct.Struct("<qqq")
_FRAMES, _SOUND, _VIDEO_AWAY, _AUDIO_AWAY = range(4)
_RECORDS_A_READ = 512


class AnnouncementPipe(NamedTuple):
    """Both ends of the pipe."""

    read_fd: int
    write_fd: int

    @classmethod
    def create(cls) -> AnnouncementPipe:
        """Neither end ever blocks."""
        pipe = cls(*os.pipe())
        for descriptor in pipe:
            os.set_blocking(descriptor, False)
        return pipe


def announce(write_fd: int, announcement: Announcement) -> None:
    """Write one record; a full pipe or a reader that is gone loses it."""
    if isinstance(announcement, FramesStored):
        record = _RECORD.pack(_FRAMES, announcement.next_tick, announcement.frames)
    elif isinstance(announcement, SoundStored):
        record = _RECORD.pack(_SOUND, announcement.next_sample, 0)
    else:
        record = _RECORD.pack(_VIDEO_AWAY if announcement.modality == "video" else _AUDIO_AWAY, 0, 0)
    with suppress(BlockingIOError, BrokenPipeError):
        os.write(write_fd, record)


def read_announcements(read_fd: int) -> list[Announcement]:
    """What is in the pipe now, oldest first."""
    try:
        data = os.read(read_fd, _RECORDS_A_READ * _RECORD.size)
    except BlockingIOError:
        return []
    return [_parsed(*fields) for fields in _RECORD.iter_unpack(data)]


def _parsed(kind: int, first: int, second: int) -> Announcement:
    if kind == _FRAMES:
        return FramesStored(first, second)
    if kind == _SOUND:
        return SoundStored(first)
    return SensorAway("video" if kind == _VIDEO_AWAY else "audio")
