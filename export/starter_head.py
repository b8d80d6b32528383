"""The head of a rig on which nothing was trained: the classifiers that the published backbones bring along.

Actions are Kinetics-400's, by sight; sounds are AudioSet's 527, by ear; the last label stands for no sound that
AudioSet knows. Nothing was trained to weigh the two against each other, so each modality has its own part of the
labels, and the row that sees everything says the action, with sounds as a second opinion.

    row    actions           sounds              "no known sound"
    all    0.75 * p(action)  0.25 * p(sound)     the rest
    video  p(action)         0                   0
    audio  0                 p(sound)            the rest

p(action) is the softmax of SlowFast's classifier over the mean of the clip's rows. AudioSet's scores are independent of
each other: p(sound) is the score itself (its sigmoid) while all scores sum to less than 1, and its share of the sum
otherwise; what is left of 1 is "no known sound".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edge.bundle import Thresholds
from trainer.models.beats import Beats
from trainer.models.slowfast import SlowFast

SIGHT_SHARE = 0.75
"""Of the actions in the row that sees everything: even a certain sound never outranks an action above 1/3."""
THRESHOLDS = Thresholds(on=0.5 * SIGHT_SHARE, off=0.35 * SIGHT_SHARE, unknown=0.3 * SIGHT_SHARE)
"""The usual thresholds on p(action)."""
NO_SOUND = "no known sound"
LEAST = 1e-6
"""Stands for a probability of 0: its logarithm is finite, and it lies in float16's range."""


class StarterHead(nn.Module):
    """appearance [1, R * A], motion [1, R * M], audio [1, D], mask [N, 3] -> logits [N, actions + sounds + 1].

    The logits are log-probabilities: at temperature 1 their softmax is the table above.

    Args:
        slowfast, beats: networks with their classifiers.
        clip_rows: R.

    Raises:
        ValueError: a network has no classifier.
    """

    def __init__(self, slowfast: SlowFast, beats: Beats, clip_rows: int) -> None:
        super().__init__()
        if slowfast.num_classes is None or beats.predictor is None:
            raise ValueError("both networks need their classifier")
        self.actions = slowfast.blocks[6]
        self.sounds = beats.predictor
        self.clip_rows = clip_rows
        self.appearance_dim, self.motion_dim = slowfast.appearance_dim, slowfast.motion_dim

    def forward(self, appearance: Tensor, motion: Tensor, audio: Tensor, mask: Tensor) -> Tensor:
        seen, heard = mask[:, 0:1] * mask[:, 1:2], mask[:, 2:3]
        # Masks weigh the answers, not the features: a classifier fed zeros would still say something.
        by_sight = seen * (1.0 - (1.0 - SIGHT_SHARE) * heard)
        by_ear = heard * (1.0 - SIGHT_SHARE * seen)
        action = self._action(appearance, motion)
        sound = torch.sigmoid(self.sounds(audio))
        sound = sound / sound.sum(dim=1, keepdim=True).clamp(min=1.0)
        rest = (1.0 - sound.sum(dim=1, keepdim=True)).clamp(min=0.0)
        shares = torch.cat([by_sight * action, by_ear * sound, by_ear * rest], dim=1)
        return torch.log(shares.clamp(min=LEAST))

    def _action(self, appearance: Tensor, motion: Tensor) -> Tensor:
        features = torch.cat(
            [appearance.reshape(self.clip_rows, self.appearance_dim), motion.reshape(self.clip_rows, self.motion_dim)],
            dim=1,
        )
        return torch.softmax(self.actions(features.mean(dim=0, keepdim=True)), dim=1)
