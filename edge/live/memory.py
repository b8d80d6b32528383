"""The rings of a live run in memory that processes share; it has no name, so nothing can be left behind."""

from __future__ import annotations

import mmap
import os
from typing import NamedTuple

import numpy as np

from edge.audio_ring import AudioRing
from edge.contract import WindowSpec
from edge.video_ring import Memory, VideoRing


class SharedRings(NamedTuple):
    """Where both rings lie; sent to the processes that inherit the descriptors."""

    spec: WindowSpec
    video_fd: int
    capacity_ticks: int
    audio_fd: int
    capacity_samples: int

    @classmethod
    def create(cls, spec: WindowSpec, seconds: float) -> SharedRings:
        """Allocate both, all pages at once.

        Raises:
            OSError: there is not enough memory.
        """
        ticks, samples = int(seconds * spec.frame_rate_hz), int(seconds * spec.audio_rate_hz)
        return cls(
            spec,
            _allocate("egoact-video", VideoRing.size_bytes(spec, ticks)),
            ticks,
            _allocate("egoact-audio", AudioRing.size_bytes(samples)),
            samples,
        )

    def video(self) -> VideoRing:
        """The ring of frames, for one writer or for a reader."""
        memory = _mapped(self.video_fd, VideoRing.size_bytes(self.spec, self.capacity_ticks))
        return VideoRing(self.spec, self.capacity_ticks, memory)

    def audio(self) -> AudioRing:
        """The ring of sound, for one writer or for a reader."""
        return AudioRing(self.capacity_samples, _mapped(self.audio_fd, AudioRing.size_bytes(self.capacity_samples)))

    def close(self) -> None:
        """Close the descriptors; mappings stay until their arrays are gone."""
        os.close(self.video_fd)
        os.close(self.audio_fd)


def _allocate(name: str, size_bytes: int) -> int:
    descriptor = os.memfd_create(name)
    os.posix_fallocate(descriptor, 0, size_bytes)
    return descriptor


def _mapped(descriptor: int, size_bytes: int) -> Memory:
    return np.frombuffer(mmap.mmap(descriptor, size_bytes), np.uint8)
