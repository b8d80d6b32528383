"""What lies in the files of a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.contract import AudioBlock, Frame
from edge.sources.replay import ReplaySource
from tests.tiny_bundle import SPEC


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.mkv"))


def play(path: Path) -> tuple[list[Frame], np.ndarray, np.ndarray]:
    """Frames, and the sound and what of it was heard, on the axis of the file."""
    source = ReplaySource(path, SPEC)
    source.open()
    events = []
    while (event := source.read(1.0)) is not None:
        events.append(event)
    source.close()
    blocks = [event for event in events if isinstance(event, AudioBlock)]
    samples = np.concatenate([block.samples for block in blocks]) if blocks else np.zeros(0, np.float32)
    heard = np.concatenate([np.full(len(b.samples), b.heard) for b in blocks]) if blocks else np.zeros(0, bool)
    return [event for event in events if isinstance(event, Frame)], samples, heard
