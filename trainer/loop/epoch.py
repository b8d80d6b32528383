"""What an epoch draws: the order of the clips, what modality dropout hides, the wording of the narrations.

It depends on the settings, the seed and the epoch's number alone, so that a run that goes on after a kill, or on
several ranks, sees the same batches.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from trainer.data.errors import DatasetError
from trainer.loop.head_clips import Draw, HeadClips
from trainer.loop.settings import FitSettings
from trainer.methods.balanced_sampling import balanced_indices, domain_groups
from trainer.methods.modality_dropout import drop_modalities


def batch_size(clips: int, settings: FitSettings, ranks: int) -> int:
    """Clips of a step, of all ranks together: as the settings say, or all clips where there are fewer; ranks get
    equal shares.

    Raises:
        DatasetError: there are too few clips for a batch (BatchNorm needs two a rank).
    """
    size = min(settings.batch, clips) // ranks * ranks
    if size < 2 * ranks:
        raise DatasetError(f"{clips} clips in batches of {settings.batch} are too few to train on with {ranks} ranks")
    return size


def draw_epoch(clips: HeadClips, settings: FitSettings, epoch: int, size: int) -> list[Draw]:
    """The batches of `size` clips of an epoch; a last batch that is not full is left out, as CIR's loader does."""
    generator = _generator(settings.seed, epoch, "training")
    order = _order(clips, settings, generator)
    steps = len(order) // size
    order = order[: steps * size]
    visible = subject = None
    if settings.drop_video or settings.drop_audio:
        visible = drop_modalities(len(order), settings.drop_video, settings.drop_audio, generator)
    if clips.subjects > 1:
        subject = torch.randint(clips.subjects, (len(order), 2), generator=generator)
    drawn = Draw(order, visible, subject)
    if clips.resident:
        drawn = drawn.to(clips.device)
    return [drawn.rows(first, first + size) for first in range(0, len(order), size)]


def draw_look(clips: HeadClips, settings: FitSettings, epoch: int, share: float, size: int) -> list[Draw]:
    """What a method that looks ahead sees before an epoch: a share of the clips, drawn anew."""
    generator = _generator(settings.seed, epoch, "look")
    count = max(1, round(share * len(clips)))
    chosen = torch.randperm(len(clips), generator=generator)[:count]
    return [Draw(part) for part in chosen.split(size)]


def _order(clips: HeadClips, settings: FitSettings, generator: torch.Generator) -> Tensor:
    if settings.sampling == "shuffled":
        return torch.randperm(len(clips), generator=generator)
    scenario, location = torch.from_numpy(clips.scenario), torch.from_numpy(clips.location)
    groups = torch.from_numpy(clips.labels) if settings.sampling == "class" else domain_groups(scenario, location)
    return balanced_indices(groups, len(clips), generator)


def derived_seed(seed: int, number: int, purpose: str) -> int:
    """A seed of its own for every purpose and number (an epoch, a rank)."""
    state = np.random.SeedSequence([seed, number, *purpose.encode()]).generate_state(1, np.uint64)
    return int(state[0]) >> 1


def _generator(seed: int, epoch: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(derived_seed(seed, epoch, purpose))
