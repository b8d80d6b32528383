"""Stereo videos, which hold the left and the right view side by side: the networks see the left one, as at Ego4D.

What is done to a frame is that of Ego4D's extractor (`CropIfStereo` in ego4d/features/dataset.py of
facebookresearch/Ego4d), which takes the flag `is_stereo` of each video from `ego4d.json`, Ego4D's metadata.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import UsageError
from edge.json_text import read_json
from edge.preprocess import resize_crop
from trainer.features.float_rows import float_pixels
from trainer.features.tasks import Task

_MOST_BYTES = 1 << 30  # Ego4D's own is a tenth of that


def left_view(rgb: NDArray[Any]) -> NDArray[Any]:
    """The left half of a frame, uint8 or float32 [H, W, 3] -> [H, W // 2, 3] of the same type.

    Some videos were stored squeezed, so that the whole frame is taller than wide: their left half is resized
    (bilinear, half-pixel centres, no antialias) to height W // 2 and width H // 2.
    """
    height, width = rgb.shape[:2]
    left = rgb[:, : width // 2]
    if width < height:
        left = cv2.resize(left, (height // 2, width // 2), interpolation=cv2.INTER_LINEAR)
    return left


def left_resize_crop(rgb: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """`resize_crop` of the left view."""
    return resize_crop(left_view(rgb), size_px)


def left_float_pixels(rgb: NDArray[np.uint8], size_px: int) -> NDArray[np.float32]:
    """`float_pixels` of the left view; where that has to be resized, this too is done in float."""
    return float_pixels(left_view(rgb.astype(np.float32)), size_px)


def stereo_videos(metadata: Path, tasks: Sequence[Task]) -> frozenset[str]:
    """The videos among `tasks` (file names without suffix, which are Ego4D's uids) that `ego4d.json` calls stereo.

    Raises:
        UsageError: the file cannot be read or is no such file, or a video is not in it.
    """
    try:
        videos = read_json(metadata, _MOST_BYTES)["videos"]
        is_stereo = {video["video_uid"]: video["is_stereo"] for video in videos}
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"no entry {error}" if isinstance(error, KeyError) else str(error)
        raise UsageError(
            f"--stereo {metadata}: cannot be read ({problem}); give 'all', or Ego4D's ego4d.json"
        ) from None
    for task in tasks:
        if task.path.stem not in is_stereo:
            raise UsageError(
                f"--stereo {metadata}: says nothing of {task.name}; name videos by their uid, or give 'all'"
            )
    return frozenset(task.path.stem for task in tasks if is_stereo[task.path.stem])
