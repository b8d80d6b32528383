"""Ratings by a causal language model on this machine, run by the package `transformers`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from edge.errors import EgoactError
from trainer.models.transformers_package import first_line, import_transformers
from trainer.narration.rating.prompt import AGAIN, Prompt
from trainer.narration.rating.rater import Pair, RaterError, Rating
from trainer.narration.rating.reply import percentage
from trainer.weights.folder import sha256_of


class TransformersRater:
    """Greedy replies, `batch_pairs` pairs at a time."""

    concurrency = 1

    def __init__(
        self, folder: Path, prompt: Prompt, *, device: str, batch_pairs: int = 16, asks: int = 3, max_tokens: int = 64
    ) -> None:
        """Load a folder with config.json, weights and a tokenizer; nothing is downloaded, no code of it is run.

        Raises:
            RaterError: it is no causal language model, or the package transformers is missing.
        """
        if not (folder / "config.json").is_file():
            raise RaterError(f"{folder}: no config.json here; give the folder of a causal language model")
        try:
            library = import_transformers("--rater transformers")
            self._tokenizer = library.AutoTokenizer.from_pretrained(folder, local_files_only=True, padding_side="left")
            model = library.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype="auto")
        except EgoactError as error:
            raise RaterError(str(error)) from None
        except Exception as error:  # damaged files fail in arbitrary ways
            raise RaterError(f"{folder}: not a causal language model ({first_line(error)})") from None
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._model = model.eval().requires_grad_(False).to(device)
        self._prompt, self._asks, self._max_tokens, self._device = prompt, asks, max_tokens, device
        self.batch_pairs = batch_pairs
        self.name = f"transformers {folder.resolve().name} {sha256_of(folder)[:12]}, prompt {prompt.checksum}"

    def rate(self, pairs: Sequence[Pair]) -> list[Rating]:
        ratings: dict[int, Rating] = {}
        talks = {i: [{"role": "user", "content": self._prompt.about(pair)}] for i, pair in enumerate(pairs)}
        for asked in range(1, self._asks + 1):
            replies = dict(zip(talks, self._replies(list(talks.values())), strict=True))
            for i, (reply, whole) in replies.items():
                percent = percentage(reply) if whole else None
                ratings[i] = Rating(percent, reply, asked)
                if percent is not None:
                    del talks[i]
                else:
                    talks[i] += [{"role": "assistant", "content": reply}, {"role": "user", "content": AGAIN}]
            if not talks:
                break
        return [ratings[i] for i in range(len(pairs))]

    def stop(self) -> None:
        """A batch is waited for."""

    @torch.inference_mode()
    def _replies(self, talks: Sequence[list[dict[str, str]]]) -> list[tuple[str, bool]]:
        """The reply to every conversation, and whether it is whole."""
        tokenizer: Any = self._tokenizer
        # A template writes the special tokens itself.
        inputs = tokenizer(
            [self._text(talk) for talk in talks],
            padding=True,
            add_special_tokens=not tokenizer.chat_template,
            return_tensors="pt",
        ).to(self._device)
        outputs = self._model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            max_new_tokens=self._max_tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=tokenizer.pad_token_id,
        )
        fresh = outputs[:, inputs["input_ids"].shape[1] :]
        ends = _end_tokens(self._model, tokenizer)
        return [
            (tokenizer.decode(row, skip_special_tokens=True), bool(ends & set(row.tolist()))) for row in fresh.cpu()
        ]

    def _text(self, talk: list[dict[str, str]]) -> str:
        """A conversation as the model's own template writes it; question and reply in turn where it has none."""
        if self._tokenizer.chat_template:
            return self._tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        return "\n\n".join(turn["content"] for turn in talk) + "\n\n"


def _end_tokens(model: Any, tokenizer: Any) -> set[int]:
    """Tokens that end a reply: a model may have several."""
    told = model.generation_config.eos_token_id
    listed = told if isinstance(told, list) else [told]
    return {int(token) for token in (*listed, tokenizer.eos_token_id) if token is not None}
