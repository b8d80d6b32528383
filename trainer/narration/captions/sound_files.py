"""Sounds as WAV files, for captioners that read files."""

from __future__ import annotations

import contextlib
import wave
from collections.abc import Iterator, Sequence

import numpy as np

from edge.scratch import scratch_folder
from trainer.narration.captions.captioner import Samples


@contextlib.contextmanager
def as_wav_files(sounds: Sequence[Samples], rate_hz: int) -> Iterator[list[str]]:
    """16 bit PCM files of the sounds, deleted at the end."""
    with scratch_folder() as folder:
        paths = []
        for number, samples in enumerate(sounds):
            paths.append(str(folder / f"{number}.wav"))
            with wave.open(paths[-1], "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(rate_hz)
                file.writeframes((np.clip(samples, -1, 1) * 32767).round().astype("<i2").tobytes())
        yield paths
