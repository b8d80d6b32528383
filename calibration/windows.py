"""Calibration windows: real moments of real clips, made by the functions that the device runs.

Frames and sound come from the replay source through the runtime's rings, log-mel features from the bundle's own
engine. There is no way to pass arrays: ranges of noise would say nothing about a camera.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.clip_picks import MIN_CLIPS, Pick, pick_windows
from calibration.errors import CalibrationError
from edge.clip_windows import replay_events
from edge.contract import WindowSpec
from edge.engines.base import Engine
from edge.recognizer import MIN_COVERAGE
from trainer.data.clips_csv import read_clips_csv
from trainer.features.windows import RowInput, row_inputs

WINDOWS = 64
"""Live clips that a calibration looks at unless told otherwise."""


@dataclass(frozen=True)
class CalibrationWindow:
    """One live clip as the device sees it: the last rows of frames and the sound of the same stretch."""

    clip: str
    """File name."""
    newest_row: int
    rows: NDArray[np.uint8]
    """RGB uint8 [clip_rows, row_frames, S, S, 3], in time order; rows repeat at the start of a clip."""
    samples: NDArray[np.float32]
    """float32 [clip_audio_samples] at 16 kHz"""
    audio_coverage: float
    """Share of the samples that the clip's track delivered (0..1)."""
    label: str | None
    """Annotated at the centre, or the background label; None without annotations."""
    domain: str | None
    """'scenario/location', None where it is not annotated."""

    @property
    def heard(self) -> bool:
        """Whether the device would run its audio engine here: exact zeros are no sound."""
        return self.audio_coverage >= MIN_COVERAGE and bool(self.samples.any())


def calibration_windows(
    clips: Sequence[Path],
    spec: WindowSpec,
    *,
    count: int = WINDOWS,
    annotations: Path | None = None,
    background_label: str | None = None,
    min_clips: int = MIN_CLIPS,
    seed: int = 0,
) -> Iterator[CalibrationWindow]:
    """Pick moments (`calibration.clip_picks`) and read them; the picking happens at once, the reading as it is asked.

    Args:
        clips: recorded clips.
        spec: window numbers.
        count: of windows at most.
        annotations: own-clips CSV; with it domains and labels are balanced, and windows carry them.
        background_label: label where nothing is annotated; None leaves such moments out.
        min_clips: fewer usable clips are refused.
        seed: of the choice; the same seed and clips give the same windows.

    Raises:
        CalibrationError: too few clips.
        AnnotationError: the CSV is refused.
        SourceError: a clip cannot be opened, or holds no video.
    """
    picks = pick_windows(
        clips,
        spec,
        count=count,
        annotations=None if annotations is None else read_clips_csv(annotations),
        background_label=background_label,
        min_clips=min_clips,
        seed=seed,
    )
    return read_windows(picks, spec)


def read_windows(picks: Iterable[Pick], spec: WindowSpec) -> Iterator[CalibrationWindow]:
    """Decode the clips of picks, each once and no further than needed; one window is in memory at a time.

    A pick beyond the end of a clip whose header promised more is left out.

    Raises:
        SourceError: a clip cannot be opened or read.
    """
    for path, of_clip in groupby(picks, key=lambda pick: pick.path):
        wanted = {pick.row: pick for pick in of_clip}
        events = replay_events(path, spec)
        recent: deque[RowInput] = deque(maxlen=spec.clip_rows)
        for index, row in enumerate(row_inputs(events, spec)):
            recent.append(row)
            if index in wanted:
                yield _window(wanted[index], recent, spec)
            if index >= max(wanted):
                break
        events.close()  # closes the file


def video_feeds(windows: Iterable[CalibrationWindow]) -> Iterator[dict[str, NDArray]]:
    """Inputs of the video graph: frames uint8 [1, row_frames, S, S, 3], the newest row of each window."""
    for window in windows:
        yield {"frames": window.rows[-1:]}


def audio_feeds(
    windows: Iterable[CalibrationWindow], fbank: Engine, min_clips: int = MIN_CLIPS
) -> Iterator[dict[str, NDArray]]:
    """Inputs of the audio graph: fbank float32 [1, T, 128], of the windows that have sound.

    Args:
        windows: of any clips.
        fbank: the bundle's log-mel engine, FP32.
        min_clips: fewer clips with sound are refused, after the last window.

    Raises:
        CalibrationError: too few clips have sound.
    """
    clips: dict[str, bool] = {}
    for window in windows:
        clips[window.clip] = clips.get(window.clip, False) or window.heard
        if window.heard:
            yield {"fbank": fbank.infer({"waveform": window.samples[None]})["fbank"].copy()}
    heard = sum(clips.values())
    if heard < min_clips:
        raise CalibrationError(
            f"the audio engine takes at least {min_clips} clips with sound, {heard} of the {len(clips)} clips "
            "have some; give more with --clips DIR"
        )


def _window(pick: Pick, recent: Sequence[RowInput], spec: WindowSpec) -> CalibrationWindow:
    newest = recent[-1]
    first = pick.row - len(recent) + 1
    rows = [recent[index - first].frames for index in spec.live_clip_rows(pick.row)]
    return CalibrationWindow(
        clip=pick.path.name,
        newest_row=pick.row,
        rows=np.stack(rows),
        samples=newest.samples,
        audio_coverage=newest.audio_coverage,
        label=pick.label,
        domain=pick.domain,
    )
