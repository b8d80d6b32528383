"""Pengi (Deshmukh et al., "Pengi: An Audio Language Model for Audio Tasks", NeurIPS 2023), the paper's captioner.

It runs from its authors' checkout (microsoft/Pengi) with a checkpoint in the folder configs/, as its README says; it is
Pengi's own code that loads and runs it. Of a sound that is longer than it takes, Pengi itself draws a part at random:
here it is given the middle (`longest_s`).
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from trainer.models.transformers_package import first_line
from trainer.narration.captions.captioner import Caption, CaptionerError, Samples
from trainer.narration.captions.sound_files import as_wav_files
from trainer.weights.folder import sha256_of

PROMPT = "generate audio caption"
"""One of those that Pengi was trained with; the paper does not say which it took."""

CONFIGURATIONS = ("base", "base_no_text_enc")
END = "<|endoftext|>"


class PengiCaptioner:
    """Captions by beam search, as Pengi's example has it."""

    name = "pengi"
    rate_hz = 44_100
    batch_clips = 8

    def __init__(
        self, checkout: Path, configuration: str = "base", *, prompt: str = PROMPT, device: str = "cpu"
    ) -> None:
        """Import `wrapper` from the checkout, and load the checkpoint that lies in it.

        Raises:
            CaptionerError: a file is missing, or Pengi's code fails.
        """
        checkpoint = checkout / "configs" / f"{configuration}.pth"
        for path, what in ((checkout / "wrapper.py", "no checkout of microsoft/Pengi"), (checkpoint, "no checkpoint")):
            if not path.is_file():
                raise CaptionerError(f"{path}: {what} here; see Pengi's README")
        sys.path.insert(0, str(checkout.resolve()))  # for good: Pengi imports more when it runs
        try:
            wrapper = importlib.import_module("wrapper").PengiWrapper
            self._pengi = wrapper(config=configuration, use_cuda=device != "cpu")
            self.longest_s: float | None = float(self._pengi.args.duration)
        except Exception as error:  # whatever code of others raises
            reason = first_line(error)
            raise CaptionerError(f"{checkout}: Pengi cannot be loaded ({type(error).__name__}: {reason})") from None
        self._prompt = prompt
        code = _commit(checkout) or sha256_of(checkout / "wrapper.py")
        self.version = f"{configuration} {sha256_of(checkpoint)[:12]}, code {code[:12]}, prompt {prompt!r}"

    def caption(self, sounds: Sequence[Samples]) -> list[Caption]:
        with as_wav_files(sounds, self.rate_hz) as paths:
            try:
                replies = self._pengi.generate(
                    audio_paths=paths,
                    text_prompts=[self._prompt] * len(paths),
                    add_texts=[""] * len(paths),
                    max_len=30,
                    beam_size=3,
                    temperature=1.0,
                    stop_token=f" {END}",
                )
                # For each sound: (the texts of all beams, the best first; their scores).
                texts = [str(beams[0]) for beams, _ in replies]
            except Exception as error:  # whatever code of others raises
                raise CaptionerError(f"Pengi failed ({type(error).__name__}: {first_line(error)})") from None
        return [Caption(" ".join(text.replace(END, " ").split())) for text in texts]


def _commit(checkout: Path) -> str:
    """Commit of the checkout; '' where it is no git checkout."""
    try:
        told = subprocess.run(
            ["git", "-C", str(checkout), "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()
