"""The captioner of the package msclap (microsoft/CLAP, "clapcap"; Elizalde et al. 2023)."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

from trainer.models.transformers_package import first_line
from trainer.narration.captions.captioner import Caption, CaptionerError, Samples
from trainer.narration.captions.sound_files import as_wav_files
from trainer.weights.folder import sha256_of


class MsclapCaptioner:
    """Captions by beam search, with the settings of the package's own example."""

    name = "msclap"
    rate_hz = 44_100
    batch_clips = 8

    def __init__(self, weights: Path | None = None, *, device: str = "cpu") -> None:
        """Load the package; without `weights` it takes, or downloads, its own from the hub.

        Raises:
            CaptionerError: the package is missing or fails.
        """
        try:
            library = importlib.import_module("msclap")
            self._clap = library.CLAP(
                model_fp=None if weights is None else str(weights), version="clapcap", use_cuda=device != "cpu"
            )
            checkpoint = Path(self._clap.model_fp)
            self.longest_s: float | None = float(self._clap.args.duration)
        except ModuleNotFoundError as error:
            raise CaptionerError(f"{error.name} is not installed; run: pip install msclap") from None
        except Exception as error:  # whatever code of others raises
            reason = first_line(error)
            raise CaptionerError(f"msclap cannot be loaded ({type(error).__name__}: {reason})") from None
        self.version = f"{_package_version()}, clapcap {sha256_of(checkpoint)[:12]}"

    def caption(self, sounds: Sequence[Samples]) -> list[Caption]:
        with as_wav_files(sounds, self.rate_hz) as paths:
            try:
                texts = self._clap.generate_caption(
                    paths, resample=True, beam_size=5, entry_length=67, temperature=0.01
                )
            except Exception as error:  # whatever code of others raises
                raise CaptionerError(f"msclap failed ({type(error).__name__}: {first_line(error)})") from None
        return [Caption(" ".join(str(text).replace("<|endoftext|>", " ").split())) for text in texts]


def _package_version() -> str:
    try:
        return importlib.metadata.version("msclap")
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"
