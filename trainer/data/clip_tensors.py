"""Everything that training needs of a set of clips, as tensors that stay in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from trainer.data.clips_csv import LiveClip
from trainer.features.store import FeatureStore
from trainer.narration.hashed_text import embed_texts


@dataclass(frozen=True)
class ClipTensors:
    """N clips; A, M, D are the widths of one row's features."""

    appearance: Tensor
    """float32 [N, 3A], rows in time order."""
    motion: Tensor
    """float32 [N, 3M]"""
    audio: Tensor
    """float32 [N, D], of the newest row's window; zeros without sound."""
    heard: Tensor
    """float32 [N], 1 where there was sound, else 0."""
    labels: Tensor
    """int64 [N]"""
    consistency: Tensor
    """float32 [N], r in 0..1."""
    text_visual: Tensor
    """float32 [N, 512], embedded visual narrations."""
    text_audio: Tensor
    """float32 [N, 512], embedded audio narrations."""
    narrated: Tensor
    """bool [N], whether the clip has both narrations."""

    def __len__(self) -> int:
        return len(self.labels)

    def sha256(self) -> str:
        """Fingerprint of every feature and target."""
        digest = hashlib.sha256()
        for field in fields(self):
            digest.update(getattr(self, field.name).numpy().tobytes())
        return digest.hexdigest()


def clip_tensors(store: FeatureStore, clips: Sequence[LiveClip], labels: Sequence[str]) -> ClipTensors:
    """Collect the features and targets of `clips`.

    Raises:
        FeatureStoreError: a clip's video is not in the store.
        ValueError: a clip's label is not among `labels`.
    """
    videos = {name: store.video(name) for name in sorted({clip.video for clip in clips})}
    rows = [(videos[clip.video], list(clip.rows)) for clip in clips]

    def tensor(parts: list[np.ndarray], width: int) -> Tensor:
        return torch.from_numpy(np.stack(parts) if parts else np.zeros((0, width), np.float32))

    return ClipTensors(
        appearance=tensor([v.appearance[i].reshape(-1) for v, i in rows], store.widths["appearance"]),
        motion=tensor([v.motion[i].reshape(-1) for v, i in rows], store.widths["motion"]),
        audio=tensor([np.array(v.audio[i[-1]]) for v, i in rows], store.widths["audio"]),
        heard=torch.tensor([float(v.audio[i[-1]].any()) for v, i in rows]),
        labels=torch.tensor([labels.index(clip.label) for clip in clips], dtype=torch.int64),
        consistency=torch.tensor([clip.consistency for clip in clips], dtype=torch.float32),
        text_visual=torch.from_numpy(embed_texts([clip.narration for clip in clips])),
        text_audio=torch.from_numpy(embed_texts([clip.audio_narration for clip in clips])),
        narrated=torch.tensor([bool(clip.narration and clip.audio_narration) for clip in clips], dtype=torch.bool),
    )
