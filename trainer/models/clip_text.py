"""The frozen text tower of CLIP ViT-B/32 (Radford et al., ICML 2021), run by the package `transformers`.

Its vectors are those of sentence-transformers' `clip-ViT-B-32`.encode, which CIR uses: lower-cased BPE, at most 77
tokens with both ends, the state at the end-of-text token projected to 512 numbers, float32, NOT normalised. Longer
texts lose their tail and keep the end-of-text token.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from trainer.models.checkpoint_file import CheckpointError, load_strictly, read_checkpoint
from trainer.models.clip_folder import WEIGHT_FILES, find_clip
from trainer.models.transformers_package import first_line, import_transformers

_BATCH = 64


class ClipText:
    """A `SentenceEncoder`: see `load_clip_text`."""

    def __init__(self, model: Any, tokenizer: Any, device: str = "cpu") -> None:
        self._model = model.eval().requires_grad_(False).to(device)
        self._tokenizer = tokenizer
        self._device = device
        self.dim = int(model.text_projection.out_features)
        """Width of a vector: 512 for ViT-B/32."""
        self.name = f"clip-text-{self.dim}-{_checksum(model.state_dict(), tokenizer.get_vocab())[:16]}"
        """Holds a checksum of weights and vocabulary, the same whichever file they came from."""

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector a text, not normalised: float32 [len(texts), dim].

        The other texts of a call change a vector by rounding only.
        """
        vectors = np.empty((len(texts), self.dim), np.float32)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # little padding
        for start in range(0, len(texts), _BATCH):
            chosen = by_length[start : start + _BATCH]
            tokens = self._tokenizer(
                [texts[i] for i in chosen],
                padding=True,
                truncation=True,
                max_length=self._model.config.max_position_embeddings,
                return_tensors="pt",
            ).to(self._device)
            output = self._model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
            vectors[chosen] = output.text_embeds.cpu().numpy()
        return vectors


def load_clip_text(source: str | Path | None = None, device: str = "cpu") -> ClipText:
    """Load the text tower of a CLIP in float32.

    Args:
        source: a folder, or "hub:OWNER/NAME" (see `find_clip`); nothing is downloaded without "hub:".
        device: where it runs, as torch names it.

    Raises:
        CheckpointError: a file is missing, is not CLIP or would have to run code, or the hub cannot be reached.
        EgoactError: the package `transformers` is missing or broken.
    """
    folder = find_clip(source)
    library = import_transformers()
    path, state = _text_state(folder)
    model = library.CLIPTextModelWithProjection(_text_config(library, folder / "config.json", state))
    load_strictly(model, state, path)  # into float32, whatever the file has
    try:
        tokenizer = library.CLIPTokenizerFast.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # damaged JSON fails in arbitrary ways
        raise CheckpointError(f"{folder}: its tokenizer cannot be read ({first_line(error)}); fetch it again") from None
    # Another model's vocabulary would give vectors, too. OpenAI's files say eos_token_id 2 and mean the last token.
    if len(tokenizer) != model.config.vocab_size or model.config.eos_token_id not in (2, tokenizer.eos_token_id):
        raise CheckpointError(f"{folder}: its tokenizer does not belong to its weights; fetch the folder again")
    return ClipText(model, tokenizer, device)


def _text_state(folder: Path) -> tuple[Path, dict[str, Tensor]]:
    """The file of weights, and what it holds of the text tower."""
    path = next(folder / name for name in WEIGHT_FILES if (folder / name).is_file())
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="pt") as file:
                state = {name: file.get_tensor(name) for name in file.keys() if _of_text(name)}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            reason = first_line(error)
            raise CheckpointError(f"{path}: not a safetensors file, or incomplete ({reason}); fetch it again") from None
    else:
        content = read_checkpoint(path, "text_projection.weight")
        state = {name: value for name, value in content.items() if _of_text(name)}
    return path, state


def _of_text(name: str) -> bool:
    return name.startswith(("text_model.", "text_projection.")) and not name.endswith("position_ids")  # a constant


def _text_config(library: Any, path: Path, state: dict[str, Tensor]) -> Any:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kind = content.get("model_type")
        if kind == "clip":
            config = library.CLIPConfig.from_dict(content).text_config
        else:
            config = library.CLIPTextConfig.from_dict(content)
    except Exception as error:  # damaged JSON fails in arbitrary ways
        raise CheckpointError(f"{path}: cannot be read ({first_line(error)}); fetch it again") from None
    if kind not in ("clip", "clip_text_model"):
        raise CheckpointError(f"{path}: describes a model of type {kind!r}, not CLIP")
    # The configuration of a whole CLIP says the width of the projection outside its text_config.
    if "text_projection.weight" in state:
        config.projection_dim = len(state["text_projection.weight"])
    return config


def _checksum(state: dict[str, Tensor], vocabulary: dict[str, int]) -> str:
    """sha256 of all weights, whatever the library calls them, and of the vocabulary."""
    weights = sorted(hashlib.sha256(value.cpu().numpy().tobytes()).digest() for value in state.values())
    return hashlib.sha256(b"".join(weights) + json.dumps(vocabulary, sort_keys=True).encode()).hexdigest()
