"""Clips as a method sees them: a clip table and its embedded narrations, gathered into batches on one device."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.data.clip_table import ClipBatch, ClipTable
from trainer.data.resident_clips import ResidentClips
from trainer.features.prefetch import prefetched
from trainer.methods.batch import Batch
from trainer.methods.head_spec import HeadSpec
from trainer.models.fusion import LayerOrder, Modalities
from trainer.narration.sentence_encoder import SentenceEncoder

SHARE_OF_FREE_MEMORY = 0.6
"""What resident clips may take of it."""
_CHUNK = 65_536


@dataclass(frozen=True)
class Narrations:
    """Embeddings of a table's texts (`ClipFacts.texts`), each text once."""

    vectors: NDArray[np.float32]
    """float32 [rows, subjects, T], in memory or a memory map."""
    row_of_text: NDArray[np.int64]
    """int64 [texts]"""

    @property
    def dim(self) -> int:
        """T."""
        return self.vectors.shape[2]

    @property
    def subjects(self) -> int:
        """Wordings of every narration; training draws one of them for every clip of every batch, as CIR does."""
        return self.vectors.shape[1]


def embed_narrations(texts: Sequence[str], encoder: SentenceEncoder) -> Narrations:
    """Narrations in memory, with one subject for the wearer: for data sets with thousands of texts, not millions."""
    vectors = encoder.encode(texts) if texts else np.zeros((1, encoder.dim), np.float32)
    return Narrations(vectors[:, None, :], np.arange(len(texts)))


class Draw(NamedTuple):
    """Which clips make a batch, and what is drawn for them."""

    clips: Tensor
    """int64 [B], positions in the table."""
    visible: Tensor | None = None
    """float32 [B, 3], 0 where modality dropout hides (ap, m, a); None hides nothing."""
    subject: Tensor | None = None
    """int64 [B, 2], which wording of its visual and its audio narration a clip gets; None: the first."""

    def to(self, device: torch.device) -> Draw:
        """The same on another device."""
        visible, subject = (None if part is None else part.to(device, non_blocking=True) for part in self[1:])
        return Draw(self.clips.to(device, non_blocking=True), visible, subject)

    def rows(self, first: int, last: int) -> Draw:
        """Draws number `first` to `last` - 1."""
        visible, subject = (None if part is None else part[first:last] for part in self[1:])
        return Draw(self.clips[first:last], visible, subject)


class HeadClips:
    """A clip table and its narrations on a device.

    Args:
        table: the clips.
        narrations: of `table.facts.texts`.
        device: where batches go.
        resident: keep features and narrations there; None: when they fit. Else batches are gathered from the table
            (a memory map) by a thread that works ahead, and memory holds no more than a few batches.
    """

    def __init__(
        self,
        table: ClipTable,
        narrations: Narrations,
        device: torch.device | str = "cpu",
        resident: bool | None = None,
    ) -> None:
        facts = table.facts
        self.table = table
        self.device = torch.device(device)
        self.labels = facts.label
        """int64 [n], in the table's order."""
        self.scenario, self.location = facts.scenario, facts.location
        self.subjects, self.text_dim = narrations.subjects, narrations.dim
        self.facts_sha256 = _facts_sha256(table)
        """Fingerprint of all but the features' values."""
        if resident is None:
            resident = _resident_bytes(table, narrations) < SHARE_OF_FREE_MEMORY * _free_bytes(self.device)
        self.resident = resident
        """Whether features and narrations lie on the device."""
        heard = table.audio.heard
        self._all_heard = bool(heard.all())
        self._all_told = bool((facts.narrated & heard).all())
        self._clips: ResidentClips | ClipTable = ResidentClips(table, self.device) if resident else table
        self._texts = _ResidentTexts(narrations, self.device) if resident else _MappedTexts(narrations)

    def head_spec(
        self, *, hidden: int, out: int, modalities: Modalities = "ap+mo+au", order: LayerOrder = "fc-relu-bn"
    ) -> HeadSpec:
        """The head that fits these clips: sizes from the data, widths and modalities as chosen."""
        appearance, motion, audio = self.table.widths
        rows, facts = self.table.video.rows.shape[1], self.table.facts
        return HeadSpec(
            appearance_dim=rows * appearance,
            motion_dim=rows * motion,
            audio_dim=audio,
            classes=len(facts.label_names),
            scenarios=len(facts.scenario_names),
            locations=len(facts.location_names),
            text_dim=self.text_dim,
            modalities=modalities,
            order=order,
            hidden=hidden,
            out=out,
        )

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, clips: Tensor, visible: Tensor | None = None, subject: Tensor | None = None) -> Batch:
        """The clips with these indices (int64 [B]), in that order; arguments as of `Draw`."""
        return self.drawn(Draw(clips, visible, subject))

    def drawn(self, draw: Draw) -> Batch:
        """The batch of a draw."""
        if isinstance(self._clips, ResidentClips):
            draw = draw.to(self.device)
            found = self._clips.batch(draw.clips)
        else:
            found = self._clips.batch(draw.clips.numpy())
        told_audio = (found.audio_narration >= 0) & (found.heard > 0)
        told = torch.stack([found.narration >= 0, told_audio], dim=1)
        subject = (None, None) if draw.subject is None else draw.subject.unbind(dim=1)
        batch = Batch(
            appearance=found.appearance,
            motion=found.motion,
            audio=found.audio,
            label=found.label,
            scenario=found.scenario,
            location=found.location,
            r=found.consistency,
            text_visual=self._texts.take(found.narration, subject[0]),
            text_audio=self._texts.take(found.audio_narration, subject[1]),
            visible=self._visible(found, draw.visible),
            narrated=None if self._all_told else told,
        )
        return batch if self.resident else _moved(batch, self.device)

    def batches(self, draws: Iterable[Draw]) -> Iterator[Batch]:
        """The batches of `draws`, in their order; made ahead where they come from a memory map."""
        made = (self.drawn(draw) for draw in draws)
        return made if self.resident else prefetched(made, ahead=2)

    def _visible(self, found: ClipBatch, drawn: Tensor | None) -> Tensor | None:
        if self._all_heard:
            return drawn
        ones = torch.ones_like(found.heard)
        heard = torch.stack([ones, ones, found.heard], dim=1)
        return heard if drawn is None else heard * drawn


class _ResidentTexts:
    """Narrations on a device; a row of zeros stands for "none"."""

    def __init__(self, narrations: Narrations, device: torch.device) -> None:
        rows, self.subjects, width = narrations.vectors.shape
        self.vectors = torch.zeros(rows * self.subjects + 1, width, device=device)
        flat = narrations.vectors.reshape(-1, width)
        for start in range(0, len(flat), _CHUNK):  # copied: a memory map is read-only, which tensors are not
            self.vectors[start : min(start + _CHUNK, len(flat))] = torch.from_numpy(
                np.array(flat[start : start + _CHUNK])
            )
        first = np.append(narrations.row_of_text * self.subjects, rows * self.subjects)
        self.first = torch.as_tensor(first, device=device)

    def take(self, text: Tensor, subject: Tensor | None) -> Tensor:
        """float32 [B, T] of texts int64 [B], -1 for none."""
        row = self.first.index_select(0, text.where(text >= 0, len(self.first) - 1))
        return self.vectors.index_select(0, row if subject is None else row + subject * (text >= 0))


class _MappedTexts:
    """Narrations where they are."""

    def __init__(self, narrations: Narrations) -> None:
        self.narrations = narrations

    def take(self, text: Tensor, subject: Tensor | None) -> Tensor:
        """float32 [B, T] of texts int64 [B], -1 for none."""
        chosen, vectors = text.numpy(), self.narrations.vectors
        taken = np.zeros((len(chosen), self.narrations.dim), np.float32)
        told = chosen >= 0
        rows = self.narrations.row_of_text[chosen[told]]
        taken[told] = vectors[rows, 0 if subject is None else subject.numpy()[told]]
        return torch.from_numpy(taken)


def _moved(batch: Batch, device: torch.device) -> Batch:
    if device.type == "cpu":
        return batch
    parts = {name: part for name, part in batch._asdict().items() if part is not None}
    return Batch(**{name: part.pin_memory().to(device, non_blocking=True) for name, part in parts.items()})


def _resident_bytes(table: ClipTable, narrations: Narrations) -> int:
    """What the rows that the clips use take, and the narrations; texts that no clip of this part uses count too."""
    appearance, motion, audio = table.widths
    video_rows, audio_rows = len(np.unique(table.video.rows)), len(np.unique(table.audio.rows))
    return 4 * (video_rows * (appearance + motion) + audio_rows * audio) + narrations.vectors.nbytes


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo") as file:
            fields = dict(line.split(":") for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):  # not Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _facts_sha256(table: ClipTable) -> str:
    facts = table.facts
    digest = hashlib.sha256()
    for values in (
        *(facts.label, facts.scenario, facts.location, facts.consistency, facts.narration, facts.audio_narration),
        *(table.video.rows, table.audio.rows, table.audio.weights),
    ):
        digest.update(np.ascontiguousarray(values).tobytes())
    digest.update("\0".join(facts.texts).encode())
    return digest.hexdigest()
