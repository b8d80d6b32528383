"""Decoded clips on disk, so that many epochs of pretraining decode each clip once."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.clip_windows import replay_events
from edge.contract import AudioBlock, Frame, WindowSpec
from edge.whole_file import whole_file


class DecodedClip(NamedTuple):
    """One clip on the frame grid with its sound; both are read-only memory maps."""

    frames: NDArray[np.uint8]
    """RGB uint8 [ticks, S, S, 3]."""
    samples: NDArray[np.float32]
    """float32 [n], mono at 16 kHz from stream time 0, zeros where nothing was heard."""


def decode_clip(path: Path, spec: WindowSpec, folder: Path) -> DecodedClip:
    """Decode `path` through the runtime's source into `folder`, unless it lies there already.

    Raises:
        SourceError: the clip cannot be read.
    """
    frames_path, samples_path = folder / f"{path.stem}.frames.npy", folder / f"{path.stem}.samples.npy"
    if not frames_path.exists():  # it is renamed into place last
        frames: list[NDArray[np.uint8]] = []
        blocks: list[AudioBlock] = []
        for event in replay_events(path, spec):
            if isinstance(event, Frame):
                frames.append(event.image)
            elif isinstance(event, AudioBlock):
                blocks.append(event)
        samples = np.zeros(max((b.start_sample + len(b.samples) for b in blocks), default=0), np.float32)
        for block in blocks:
            samples[block.start_sample : block.start_sample + len(block.samples)] = block.samples
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(samples_path) as file:
            np.save(file, samples)
        with whole_file(frames_path) as file:
            np.save(file, np.stack(frames))
    return DecodedClip(np.load(frames_path, mmap_mode="r"), np.load(samples_path))
