"""Which stretch of which video a clip's sound is, and the sound itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge.contract import WindowSpec
from edge.errors import EgoactError
from trainer.data.argo1m import FRAME_RATE_HZ, HOP_FRAMES, ROW_FRAMES
from trainer.features.sound import read_sound
from trainer.narration.captions.captioner import Captioner, Identified, Samples
from trainer.narration.clips_file import ClipsFile, Row

LEAST_S = 1.0
"""A shorter clip is heard with what is around it, to this length: nothing can be told of less."""

OWN = ("video", "start_s", "end_s")
ARGO1M = ("uid", "action_start_feature_idx", "action_end_feature_idx")


class ClipSoundError(EgoactError):
    """A clip does not say where it lies in its video."""


class Stretch(NamedTuple):
    """Part of the sound of a video; time 0 is its first frame."""

    video: str
    """File name, or Ego4D's uid: the name without suffix."""
    start_s: float
    end_s: float


def columns_of(clips: ClipsFile) -> tuple[str, str, str]:
    """The columns that say where a clip lies: those of own clips, or ARGO1M's.

    Raises:
        ClipsFileError: it has neither.
    """
    names = ARGO1M if "uid" in clips.columns else OWN
    clips.require(names)
    return names


def stretch_of(clips: Path, row: Row, columns: tuple[str, str, str]) -> Stretch:
    """Where a row's sound lies: its own times, or [16 s / 30, (16 e + 32) / 30] seconds of ARGO1M's rows s..e.

    Raises:
        ClipSoundError: a cell is empty or no number, or the clip ends before it starts.
    """
    video, first, last = (row[name].strip() for name in columns)
    try:
        start, end = float(first), float(last)
        if not (np.isfinite([start, end]).all() and video):
            raise ValueError
    except ValueError:
        raise ClipSoundError(f"{clips}: '{video}' from '{first}' to '{last}' is no part of a video") from None
    if columns == ARGO1M:
        start, end = max(0.0, start * HOP_FRAMES / FRAME_RATE_HZ), (end * HOP_FRAMES + ROW_FRAMES) / FRAME_RATE_HZ
    if not 0 <= start < end:
        raise ClipSoundError(f"{clips}: {video}: the clip from {start:g} s to {end:g} s has no length")
    return Stretch(video.replace("\\", "/").rpartition("/")[2], start, end)


def stretch_key(captioner: Identified, stretch: Stretch, path: Path) -> str:
    """Key of a caption: 32 hexadecimal digits of captioner, file (name and size) and times."""
    times = f"{stretch.start_s:.3f} {stretch.end_s:.3f}"
    content = "\0".join((captioner.name, captioner.version, path.name, str(path.stat().st_size), times))
    return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()[:32]


def read_stretches(path: Path, stretches: Sequence[Stretch], captioner: Captioner) -> list[Samples | None]:
    """The sounds of stretches of one video at the captioner's rate; None where there is no sound.

    Raises:
        SourceError: the video cannot be read.
    """
    rate_hz = captioner.rate_hz
    sound = read_sound(path, replace(WindowSpec(), audio_rate_hz=rate_hz))
    found: list[Samples | None] = []
    for stretch in stretches:
        length_s = max(stretch.end_s - stretch.start_s, LEAST_S)
        if captioner.longest_s is not None:
            length_s = min(length_s, captioner.longest_s)
        middle_s = (stretch.start_s + stretch.end_s) / 2
        start_s = max(0.0, middle_s - length_s / 2)
        window = sound.window(round((start_s + length_s) * rate_hz), round(length_s * rate_hz))
        # Exact zeros are a track that is empty or muted, not a quiet place.
        found.append(window.samples.astype(np.float32) if window.samples.any() else None)
    return found
