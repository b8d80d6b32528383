"""Features of a whole file, computed the plain way: decode everything, then cut. It shares no code with the runtime.

Only the engines are the same; sources, grid, rings, windows and resampling state are not used.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
import soxr
from numpy.typing import NDArray

from edge.contract import WindowSpec
from edge.recognizer import Engines


class OfflineFeatures(NamedTuple):
    appearance: NDArray[np.float32]
    """[rows, A]"""
    motion: NDArray[np.float32]
    audio: NDArray[np.float32]
    """[rows, D], of the live clip that ends with the row; zeros where less than 45 % of it was heard"""


def offline_features(path: Path, spec: WindowSpec, engines: Engines, *, quarter_turns: int = 0) -> OfflineFeatures:
    """`quarter_turns`: clockwise turns by which a player shows the stored picture."""
    frames, origin_s = _grid_frames(path, spec, quarter_turns)
    samples, heard = _samples(path, spec, origin_s, len(frames) / spec.frame_rate_hz)
    starts = [k for k in range(0, len(frames), 16) if k + 32 <= len(frames)] or [0]
    if starts[-1] + 32 < len(frames):
        starts.append(len(frames) - 32)
    appearance, motion, audio = [], [], []
    for start in starts:
        row = [frames[min(tick, len(frames) - 1)] for tick in range(start, start + 32)]
        out = engines.video.infer({"frames": np.stack(row)[None]})
        appearance.append(out["appearance"][0].copy())
        motion.append(out["motion"][0].copy())
        end = (start + 32) * 16_000 // 30
        window = np.zeros(34_133, np.float32)
        count = 0
        for n in range(max(0, end - 34_133), min(end, len(samples))):
            window[n - end + 34_133] = samples[n]
            count += bool(heard[n])
        if count >= 0.45 * 34_133 and window.any():
            fbank = engines.fbank.infer({"waveform": window[None]})["fbank"]
            audio.append(engines.audio.infer({"fbank": fbank})["audio"][0].copy())
        else:
            audio.append(np.zeros(engines.audio.spec.outputs[0].shape[1], np.float32))
    return OfflineFeatures(np.stack(appearance), np.stack(motion), np.stack(audio))


def _grid_frames(path: Path, spec: WindowSpec, quarter_turns: int) -> tuple[list[NDArray[np.uint8]], float]:
    """The frame shown at each tick: the newest one whose nearest tick is not later; and the time of the first, in s."""
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        assert stream is not None
        decoded = [(float(f.pts * f.time_base), f.to_ndarray(format="rgb24")) for f in container.decode(stream)]
    origin_s = decoded[0][0]
    # A frame in the middle of two ticks, give or take 1 ms, belongs to the earlier one.
    nearest = [max(0, int(np.floor((t - 0.001 - origin_s) * 30 + 0.5))) for t, _ in decoded]
    shown: list[NDArray[np.uint8]] = []
    for tick in range(nearest[-1] + 1):
        # At 60 fps several frames share a tick: the first one keeps it.
        last_tick = max(n for n in nearest if n <= tick)
        shown.append(_square(np.rot90(decoded[nearest.index(last_tick)][1], -quarter_turns), spec.frame_size_px))
    return shown, origin_s


def _square(rgb: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    if width < height:
        new = (size_px, int(np.floor(height / width * size_px)))
    else:
        new = (int(np.floor(width / height * size_px)), size_px)
    resized = cv2.resize(np.ascontiguousarray(rgb), new, interpolation=cv2.INTER_LINEAR)
    top, left = round((resized.shape[0] - size_px) / 2), round((resized.shape[1] - size_px) / 2)
    return resized[top : top + size_px, left : left + size_px]


def _samples(
    path: Path, spec: WindowSpec, origin_s: float, length_s: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The first audio stream on the video's axis at 16 kHz, resampled in one piece."""
    total = int(np.ceil(length_s * 16_000))
    axis, heard = np.zeros(total, np.float32), np.zeros(total, bool)
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return axis, heard
        stream = container.streams.audio[0]
        rate, blocks, start_s = stream.rate, [], None
        for frame in container.decode(stream):
            data = frame.to_ndarray().astype(np.float64)
            channels = frame.layout.nb_channels
            if not frame.format.is_planar:
                data = data.reshape(-1, channels).T
            blocks.append(data.mean(axis=0))
            start_s = float(frame.pts * frame.time_base) if start_s is None else start_s
    assert start_s is not None
    resampled = soxr.resample(np.concatenate(blocks).astype(np.float32), rate, 16_000)
    offset = round((start_s - origin_s) * 16_000)
    for n, value in enumerate(resampled):
        if 0 <= offset + n < total:
            axis[offset + n], heard[offset + n] = value, True
    return axis, heard
