"""Rows whose pixels go the way of Ego4D's extractor: normalised as floats first, then resized, then cropped.

The runtime resizes in uint8 and normalises in the network; that is the same up to the rounding of the resized pixels.
This way is for features that must equal the published ones, and for measuring the difference.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from edge.contract import Frame, WindowSpec
from edge.sources.video_track import Convert, VideoTrack
from trainer.features.sound import Sound, read_sound
from trainer.features.windows import RowInput
from trainer.models.video_net import PIXEL_MEAN, PIXEL_STD


def float_pixels(rgb: NDArray[Any], size_px: int) -> NDArray[np.float32]:
    """One frame as Ego4D's extractor prepares it: RGB [H, W, 3], 0 to 255 -> float32 [3, size_px, size_px].

    x / 255, (x - 0.45) / 0.225, short side to `size_px` (bilinear, no antialias, half-pixel centres; long side
    floor(ratio * size_px)), centre crop (ego4d/features of facebookresearch/Ego4d; pytorchvideo `short_side_scale`).
    """
    pixels = torch.from_numpy(rgb).permute(2, 0, 1).float()
    pixels = (pixels / 255.0 - PIXEL_MEAN) / PIXEL_STD
    height, width = rgb.shape[:2]
    short = min(height, width)
    new_height, new_width = height * size_px // short, width * size_px // short
    resized = F.interpolate(pixels[None], size=(new_height, new_width), mode="bilinear", align_corners=False)[0]
    top, left = round((new_height - size_px) / 2), round((new_width - size_px) / 2)
    return resized[:, top : top + size_px, left : left + size_px].contiguous().numpy()


def float_row_inputs(path: Path, spec: WindowSpec, convert: Convert = float_pixels) -> Iterator[RowInput]:
    """The rows of a clip (WindowSpec.row_starts) with float pixels; each frame is decoded and converted once.

    Row for row the frames and the sound of `windows.row_inputs`, with `frames` float32 [3, 32, S, S], normalised:
    `convert` makes float32 [3, S, S] of each frame.

    Raises:
        SourceError: the clip cannot be opened or read.
    """
    sound = read_sound(path, spec)
    newest: deque[NDArray[np.float32]] = deque(maxlen=spec.row_frames)
    ticks = next_start = 0
    for pixels in _grid_pixels(path, spec, convert):
        newest.append(pixels)
        ticks += 1
        if ticks == next_start + spec.row_frames:
            yield _row(newest, next_start, sound, spec)
            next_start += spec.hop_frames
    last_start = next_start - spec.hop_frames
    for start in spec.row_starts(ticks):
        if start > last_start:  # the row that ends on the last frame, or the only row of a stream shorter than a row
            yield _row(newest, start, sound, spec)


def _row(newest: deque[NDArray[np.float32]], start: int, sound: Sound, spec: WindowSpec) -> RowInput:
    frames = list(newest)
    frames += [frames[-1]] * (spec.row_frames - len(frames))
    window = sound.live_window(start, spec)
    return RowInput(start, np.stack(frames, axis=1), window.samples, window.coverage)


def _grid_pixels(path: Path, spec: WindowSpec, convert: Convert) -> Iterator[NDArray[np.float32]]:
    """The converted frame of every tick of the runtime's grid; a frame that serves several comes several times."""
    track = VideoTrack(path, spec, convert)
    try:
        for _, event in track.events():
            if isinstance(event, Frame):
                yield event.image  # type: ignore[misc]
    finally:
        track.close()
