"""An audio-language model of the package `transformers` (Qwen2-Audio and its like), from a folder on this machine."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from edge.errors import EgoactError
from trainer.models.transformers_package import first_line, import_transformers
from trainer.narration.captions.captioner import Caption, CaptionerError, Samples
from trainer.weights.folder import sha256_of

PROMPT = "Describe in one sentence what is heard."


class TransformersCaptioner:
    """Greedy replies to a sound and a question."""

    longest_s = 30.0
    """What Whisper's feature extractor takes."""
    name = "transformers"

    def __init__(
        self, folder: Path, *, prompt: str = PROMPT, device: str = "cpu", batch_clips: int = 8, max_tokens: int = 48
    ) -> None:
        """Load a folder with config.json, weights, and a processor with a chat template; none of its code is run.

        Raises:
            CaptionerError: it is no such model, or transformers is missing.
        """
        if not (folder / "config.json").is_file():
            raise CaptionerError(f"{folder}: no config.json here; give the folder of an audio-language model")
        try:
            library = import_transformers("--captioner transformers")
            config = library.AutoConfig.from_pretrained(folder, local_files_only=True)
            model_class = getattr(library, (config.architectures or ["none"])[0])
            model = model_class.from_pretrained(folder, local_files_only=True, dtype="auto")
            self._processor: Any = library.AutoProcessor.from_pretrained(folder, local_files_only=True)
            self.rate_hz = int(self._processor.feature_extractor.sampling_rate)
            talk = [{"role": "user", "content": [{"type": "audio", "audio": ""}, {"type": "text", "text": prompt}]}]
            self._text = self._processor.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        except EgoactError as error:
            raise CaptionerError(str(error)) from None
        except Exception as error:  # damaged files fail in arbitrary ways
            raise CaptionerError(f"{folder}: not an audio-language model ({first_line(error)})") from None
        self._processor.tokenizer.padding_side = "left"
        self._model = model.eval().requires_grad_(False).to(device)
        self._device, self._max_tokens, self.batch_clips = device, max_tokens, batch_clips
        # What the argument is called changed in version 4.50 or so.
        parameters = inspect.signature(self._processor.__call__).parameters
        self._sound_argument = "audios" if "audios" in parameters and "audio" not in parameters else "audio"
        self.version = f"{folder.resolve().name} {sha256_of(folder)[:12]}, prompt {prompt!r}"

    @torch.inference_mode()
    def caption(self, sounds: Sequence[Samples]) -> list[Caption]:
        try:
            inputs = self._processor(
                text=[self._text] * len(sounds),
                **{self._sound_argument: list(sounds)},
                sampling_rate=self.rate_hz,
                padding=True,
                return_tensors="pt",
            ).to(self._device)
            outputs = self._model.generate(**inputs, max_new_tokens=self._max_tokens, do_sample=False)
        except Exception as error:  # whatever a model raises
            raise CaptionerError(f"the model failed ({type(error).__name__}: {first_line(error)})") from None
        fresh = outputs[:, inputs["input_ids"].shape[1] :].cpu()
        texts = self._processor.batch_decode(fresh, skip_special_tokens=True)
        return [Caption(" ".join(text.split())) for text in texts]
