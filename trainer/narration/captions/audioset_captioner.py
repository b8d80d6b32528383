"""The captioner that needs no language model: the 527 scores of the BEATs that was fine-tuned on AudioSet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.contract import WindowSpec
from trainer.features.recipe import Recipe, audio_of
from trainer.models.checkpoint_file import read_checkpoint
from trainer.narration.captions.audioset_sentence import names_of_outputs, sentence
from trainer.narration.captions.captioner import Caption, CaptionerError, Samples
from trainer.weights.catalogue import weight
from trainer.weights.folder import locate

PIECE_S = 10.0
"""Length of AudioSet's clips: longer sounds are scored in pieces of it, and the mean is taken."""

KEPT_SCORE = 0.01
"""Scores below are not kept."""


class AudioSetCaptioner:
    """BEATs' scores as a sentence."""

    name = "audioset"
    longest_s = None
    batch_clips = 16

    def __init__(
        self,
        weights: Path | None = None,
        names: Path | None = None,
        *,
        device: str = "cpu",
        most: int = 3,
        least: float = 0.1,
    ) -> None:
        """Load the checkpoint (by default `beats_audioset` in the folder of weights) and the names of its classes.

        Raises:
            EgoactError: a file is missing or refused, or the checkpoint has no classifier.
        """
        spec = WindowSpec()
        recipe = Recipe(audio="beats_audioset", audio_weights=weights, engine="torch")
        backbone, made_with = audio_of(recipe, spec, device)
        path = weights or locate(weight("beats_audioset"))
        if backbone is None or made_with is None or backbone.classes is None:
            raise CaptionerError(f"{path}: is not fine-tuned on AudioSet; give beats_audioset (egoact weights list)")
        label_dict = read_checkpoint(path, "label_dict")["label_dict"]
        self._names = names_of_outputs(label_dict, names or locate(weight("audioset_names")))
        if len(self._names) != backbone.classes:
            raise CaptionerError(f"{path}: names {len(self._names)} classes, its classifier has {backbone.classes}")
        self._backbone, self._most, self._least = backbone, most, least
        self.rate_hz = spec.audio_rate_hz
        self.version = f"BEATs {made_with['sha256'][:12]}, at most {most} from {least:g}"

    def caption(self, sounds: Sequence[Samples]) -> list[Caption]:
        return [self._caption(sound) for sound in sounds]

    def _caption(self, sound: Samples) -> Caption:
        # No piece is shorter than half of the others.
        pieces = max(1, round(len(sound) / (PIECE_S * self.rate_hz)))
        scored = [self._backbone(piece[None]).scores for piece in np.array_split(sound, pieces)]
        mean = np.mean([scores[0] for scores in scored if scores is not None], axis=0)
        kept = [int(i) for i in np.argsort(-mean, kind="stable") if mean[i] >= KEPT_SCORE]
        scores = {self._names[i]: round(float(mean[i]), 3) for i in kept}
        return Caption(sentence(scores, self._most, self._least), scores)
