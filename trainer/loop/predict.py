"""What a trained method says of clips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.loop.head_clips import HeadClips
from trainer.methods.method import Method


def masked_logits(method: Method, clips: HeadClips) -> NDArray[np.float32]:
    """Logits float32 [N, 3, K] of all clips in their order, under the masks of HEAD_MASK: all, video only, audio only.

    What was not heard stays hidden. `trainer.evaluate.softmax` and `metrics` take it from there.
    """
    raise NotImplementedError  # published ahead for tables
