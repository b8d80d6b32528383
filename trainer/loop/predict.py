"""What a trained method says of clips."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from edge.contract import HEAD_MASK
from trainer.loop.head_clips import Draw, HeadClips
from trainer.loop.products import fast_products
from trainer.loop.ranks import Ranks
from trainer.methods.method import Method

CHUNK = 1024
"""Clips that are judged together: 28 MB of ARGO1M's features."""


@torch.no_grad()
def masked_logits(
    method: Method,
    clips: HeadClips,
    masks: NDArray[np.float32] = HEAD_MASK,
    chosen: NDArray[np.int64] | None = None,
) -> NDArray[np.float32]:
    """Scores of every clip, in their order: float32 [N, M, K]. It leaves `method` in eval mode.

    What was not heard stays hidden. `trainer.evaluate.softmax` and `metrics` take it from there.

    Args:
        masks: float32 [M, 3], what is visible of (appearance, motion, audio); by default all, video only, audio only.
        chosen: positions of the clips, int64 [N]; None: all.
    """
    method.eval()
    positions = torch.arange(len(clips)) if chosen is None else torch.from_numpy(chosen)
    rows = torch.from_numpy(masks).to(clips.device)
    found = []
    with fast_products(clips.device):
        for batch in clips.batches(Draw(part) for part in positions.split(CHUNK)):
            shown = torch.ones_like(batch.audio[:, :3]) if batch.visible is None else batch.visible
            found.append(torch.stack([method.logits(batch, shown * row) for row in rows], dim=1).float().cpu())
    return torch.cat(found).numpy()


def accuracy(method: Method, clips: HeadClips, masks: NDArray[np.float32], ranks: Ranks) -> float:
    """Top-1, mean over the masks; every rank judges its share. It leaves `method` in eval mode."""
    share = np.arange(ranks.index, len(clips), ranks.count)
    right = 0
    if len(share):
        predicted = masked_logits(method, clips, masks, share).argmax(axis=2)
        right = int((predicted == clips.labels[share][:, None]).sum())
    total = int(ranks.sum(torch.tensor(right, device=clips.device)))
    return total / (len(clips) * len(masks))
