"""The loop to compare with: every window on its own, as Ego4D's extractor works (ego4d/features in its repository).

For each window: seek to the key frame before it, decode up to its end, normalise and resize its 32 frames as floats,
and run the network eagerly on a batch of one.
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray

from edge.contract import WindowSpec
from edge.sources.video_track import upright_rgb
from trainer.features.ego4d import count_ticks
from trainer.features.float_rows import float_pixels
from trainer.models.video_net import VideoNet


def extract_plainly(path: Path, spec: WindowSpec, net: VideoNet, device: str) -> NDArray[np.float32]:
    """Features [N, A + M] of the rows of a video with a constant 30 fps."""
    rows = []
    with av.open(str(path)) as container:
        for start_tick in spec.row_starts(count_ticks(path, spec)):
            fast = torch.stack(_window(container, start_tick, spec), dim=1)[None].to(device)
            slow = fast.index_select(2, net.slow_index)
            with torch.no_grad():
                appearance, motion = net.slowfast(slow, fast)
            rows.append(torch.cat([appearance, motion], dim=1).cpu().numpy())
    return np.concatenate(rows)


def _window(container: av.container.InputContainer, start_tick: int, spec: WindowSpec) -> list[torch.Tensor]:
    stream = container.streams.video[0]
    assert stream.time_base is not None
    first_s = start_tick / spec.frame_rate_hz - 0.5 / spec.frame_rate_hz
    last_s = first_s + spec.row_frames / spec.frame_rate_hz
    origin_s = float((stream.start_time or 0) * stream.time_base)
    container.seek(int(max(0.0, first_s + origin_s) / stream.time_base), stream=stream)
    pixels: list[torch.Tensor] = []
    for frame in container.decode(stream):
        t_s = float((frame.pts or 0) * stream.time_base) - origin_s
        if t_s >= last_s:
            break
        if t_s >= first_s:
            pixels.append(torch.from_numpy(float_pixels(upright_rgb(frame), spec.frame_size_px)))
    return pixels + [pixels[-1]] * (spec.row_frames - len(pixels))
