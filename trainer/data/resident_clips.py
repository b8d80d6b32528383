"""A clip table whose features lie on the training device: batches are gathered there and nothing crosses the bus."""

from __future__ import annotations

import torch
from torch import Tensor

from trainer.data.clip_rows import take_rows
from trainer.data.clip_table import ClipBatch, ClipTable


class ResidentClips:
    """All clips of a table on one device; rows that several clips share are held once."""

    def __init__(self, table: ClipTable, device: torch.device | str) -> None:
        compact = table.in_memory()
        video, audio, facts = compact.video, compact.audio, compact.facts

        def place(values: object) -> Tensor:
            return torch.as_tensor(values, device=device)

        self.appearance = place(take_rows(video.appearance, slice(None)))
        """float32 [R, A]"""
        self.motion = place(take_rows(video.motion, slice(None)))
        """float32 [R, M]"""
        self.audio = place(take_rows(audio.values, slice(None)))
        """float32 [Q, D]"""
        self.video_rows, self.audio_rows = place(video.rows), place(audio.rows)
        self.audio_weights = place(audio.weights)
        self.label, self.scenario, self.location = place(facts.label), place(facts.scenario), place(facts.location)
        self.consistency = place(facts.consistency)
        self.narration, self.audio_narration = place(facts.narration), place(facts.audio_narration)

    def __len__(self) -> int:
        return len(self.label)

    def batch(self, clips: Tensor) -> ClipBatch:
        """The clips with these indices (int64 [B] on the device), in that order; the same values as the table's."""
        rows, audio_rows = self.video_rows.index_select(0, clips), self.audio_rows.index_select(0, clips)
        weights = self.audio_weights.index_select(0, clips)
        audio = self.audio.index_select(0, audio_rows.flatten()).view(*audio_rows.shape, -1)
        return ClipBatch(  # index_select copies whole rows: twice as fast as indexing
            appearance=self.appearance.index_select(0, rows.flatten()).view(len(rows), -1),
            motion=self.motion.index_select(0, rows.flatten()).view(len(rows), -1),
            audio=(audio * weights[:, :, None]).sum(dim=1),
            heard=weights.any(dim=1).float(),
            label=self.label[clips],
            scenario=self.scenario[clips],
            location=self.location[clips],
            consistency=self.consistency[clips],
            narration=self.narration[clips],
            audio_narration=self.audio_narration[clips],
        )
