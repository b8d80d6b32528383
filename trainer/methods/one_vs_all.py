"""One-vs-all: every class is a yes-or-no question, as Ego4OOD (arXiv 2601.17056) proposes in place of the softmax."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from trainer.methods.full_precision import full_precision


@full_precision
def one_vs_all_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy of sigmoid(logits) against one-hot labels, summed over classes, mean over clips.

    The sum keeps the gradient of the labelled class at the scale of the softmax's; the source gives no scale.

    Args:
        logits: [N, K]; the prediction is still the largest. labels: int64 [N].
    """
    target = F.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(labels)
