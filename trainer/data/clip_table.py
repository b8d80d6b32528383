"""The resident clip table: n clips whose features are gathered batch by batch, without any work per clip in Python.

Every source gives the same table: ARGO1M with Ego4D's features or as .beton, own clips, the built-in world. Features
stay where they are (memory maps of a store or a .beton file); memory holds about 100 bytes a clip and one batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.data.clip_facts import ClipFacts
from trainer.data.clip_rows import AudioRows, FeatureArray, VideoRows, row_width, take_rows
from trainer.data.errors import DatasetError


@dataclass(frozen=True)
class ClipBatch:
    """B clips as tensors on one device; A, M, D are the widths of a row."""

    appearance: Tensor
    """float32 [B, 3A], rows in time order."""
    motion: Tensor
    """float32 [B, 3M]"""
    audio: Tensor
    """float32 [B, D], zeros without sound."""
    heard: Tensor
    """float32 [B], 1 where there was sound, else 0."""
    label: Tensor
    """int64 [B]"""
    scenario: Tensor
    """int64 [B]"""
    location: Tensor
    """int64 [B]"""
    consistency: Tensor
    """float32 [B], r in 0..1."""
    narration: Tensor
    """int64 [B], index into the table's texts, -1 without one."""
    audio_narration: Tensor
    """int64 [B], likewise."""

    def __len__(self) -> int:
        return len(self.label)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> ClipBatch:
        """The same clips on another device."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=non_blocking) for f in fields(self)}
        return ClipBatch(**moved)


@dataclass(frozen=True)
class ClipTable:
    """n >= 1 clips: what is known of them and where their features lie."""

    facts: ClipFacts
    video: VideoRows
    audio: AudioRows

    def __post_init__(self) -> None:
        """Raises DatasetError when the parts differ in their number of clips."""
        if not len(self.facts) == len(self.video.rows) == len(self.audio.rows):
            counts = f"{len(self.facts)} clips, {len(self.video.rows)} of video, {len(self.audio.rows)} of audio"
            raise DatasetError(f"{self.facts.name}: {counts}; the features belong to other clips")

    def __len__(self) -> int:
        return len(self.facts)

    @property
    def widths(self) -> tuple[int, int, int]:
        """A, M, D: widths of one row of appearance, motion and audio."""
        return row_width(self.video.appearance), row_width(self.video.motion), row_width(self.audio.values)

    def batch(self, clips: NDArray[np.integer]) -> ClipBatch:
        """The clips with these indices (int [B], 0 <= index < n), in that order, copied into memory."""
        facts, count = self.facts, len(clips)
        return ClipBatch(
            appearance=torch.from_numpy(take_rows(self.video.appearance, self.video.rows[clips]).reshape(count, -1)),
            motion=torch.from_numpy(take_rows(self.video.motion, self.video.rows[clips]).reshape(count, -1)),
            audio=torch.from_numpy(self._audio(clips)),
            heard=torch.from_numpy(self.audio.weights[clips].any(axis=1).astype(np.float32)),
            label=torch.from_numpy(facts.label[clips]),
            scenario=torch.from_numpy(facts.scenario[clips]),
            location=torch.from_numpy(facts.location[clips]),
            consistency=torch.from_numpy(facts.consistency[clips]),
            narration=torch.from_numpy(facts.narration[clips]),
            audio_narration=torch.from_numpy(facts.audio_narration[clips]),
        )

    def select(self, chosen: NDArray[np.integer] | NDArray[np.bool_]) -> ClipTable:
        """The table of the clips `chosen` (indices or a mask); features are not copied.

        Raises:
            DatasetError: nothing is chosen.
        """
        return ClipTable(self.facts.select(chosen), self.video.select(chosen), self.audio.select(chosen))

    def in_memory(self) -> ClipTable:
        """The same clips with every row that they use in memory, once."""
        used, rows = np.unique(self.video.rows, return_inverse=True)
        video = VideoRows(
            take_rows(self.video.appearance, used),
            take_rows(self.video.motion, used),
            rows.reshape(self.video.rows.shape),
        )
        used, rows = np.unique(self.audio.rows, return_inverse=True)
        audio = replace(self.audio, values=take_rows(self.audio.values, used), rows=rows.reshape(self.audio.rows.shape))
        return ClipTable(self.facts, video, audio)

    def require_finite(self) -> None:
        """Read every row that the clips use (and so warm the page cache).

        Raises:
            DatasetError: a clip's features hold NaN or infinity.
        """
        for clip, modality in self.not_finite():
            video = self.facts.video_names[self.facts.video[clip]]
            raise DatasetError(
                f"{self.facts.name}: clip {clip} ({video}): {modality} holds NaN or infinity; extract it again"
            )

    def not_finite(self) -> Iterator[tuple[int, str]]:
        """(clip, modality) of the first clip of every modality whose features hold NaN or infinity."""
        kinds: tuple[tuple[str, FeatureArray, NDArray[np.int64]], ...] = (
            ("appearance", self.video.appearance, self.video.rows),
            ("motion", self.video.motion, self.video.rows),
            ("audio", self.audio.values, self.audio.rows),
        )
        for modality, values, rows in kinds:
            for first in range(0, len(self), _CHUNK):
                bad = ~np.isfinite(take_rows(values, rows[first : first + _CHUNK])).all(axis=(1, 2))
                if bad.any():
                    yield first + int(bad.argmax()), modality
                    break

    def _audio(self, clips: NDArray[np.integer]) -> NDArray[np.float32]:
        taken, weights = take_rows(self.audio.values, self.audio.rows[clips]), self.audio.weights[clips]
        return np.einsum("bkd,bk->bd", taken, weights)


_CHUNK = 512
"""Clips looked at together: 14 MB of ARGO1M's features."""
