"""BEATs and its filter bank against SpeechBrain's, both from the same official checkpoint of formula weights."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainer.models.reference_file import load_file, load_torchaudio_kaldi, reference_path, stand_in
from tests.trainer.models.test_beats import official_checkpoint
from tests.trainer.models.test_fbank import EXCEPTIONS, KINDS, signal
from trainer.models.beats_checkpoint import load_beats
from trainer.models.fbank import FBANK_STD, Fbank

SIZES = ["small", pytest.param("base", marks=pytest.mark.slow)]


@pytest.fixture
def speechbrain_beats(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """SpeechBrain's file lobes/models/beats.py with torchaudio's Kaldi functions."""

    def every_sample(lengths: Tensor, longest: int, device: torch.device) -> Tensor:
        """In place of its mask of padded samples: all waves of a batch are equally long here."""
        return torch.ones(len(lengths), longest, device=device)

    path = reference_path("speechbrain", "lobes/models/beats.py")
    kaldi = load_torchaudio_kaldi(monkeypatch)
    stand_in(monkeypatch, "torchaudio.compliance")
    monkeypatch.setitem(sys.modules, "torchaudio.compliance.kaldi", kaldi)
    for package in ("speechbrain", "speechbrain.dataio"):
        stand_in(monkeypatch, package)
    stand_in(monkeypatch, "speechbrain.dataio.dataio", length_to_mask=every_sample)
    return load_file(path)


def write_checkpoint(folder: Path, size: str, finetuned: bool) -> Path:
    path = folder / "beats.pt"
    torch.save(official_checkpoint(size, finetuned), path)
    return path


def two_waves() -> Tensor:
    return torch.from_numpy(np.stack([signal("speech-like"), signal("clicks")]))


def extract(reference: Any, waves: Tensor) -> tuple[Tensor, ...]:
    return reference.extract_features(waves, torch.ones(len(waves)))


@pytest.mark.parametrize("size", SIZES)
def test_tokens_of_one_filter_bank_equal_speechbrains(
    speechbrain_beats: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    path = write_checkpoint(tmp_path, size, finetuned=False)
    reference = speechbrain_beats.BEATs(str(path))
    fbank = Fbank()(two_waves())
    monkeypatch.setattr(reference, "preprocess", lambda *_: fbank)
    with torch.inference_mode():
        (expected,) = extract(reference, two_waves())
        tokens = load_beats(path).eval().tokens(fbank)
    assert tokens.shape == expected.shape == (2, 24, reference.cfg.encoder_embed_dim)
    assert expected.abs().mean() > 0.1
    torch.testing.assert_close(tokens, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_scores_of_waves_equal_speechbrains(speechbrain_beats: ModuleType, tmp_path: Path, size: str) -> None:
    """Both from the samples on, each with its own filter bank; the classifier of a fine-tuned checkpoint at the end."""
    path = write_checkpoint(tmp_path, size, finetuned=True)
    net = load_beats(path).eval()
    with torch.inference_mode():
        expected_tokens, expected_scores, _ = extract(speechbrain_beats.BEATs(str(path)), two_waves())
        tokens = net.tokens(Fbank()(two_waves()))
        scores = net.classify(tokens.mean(dim=1)).sigmoid()
    torch.testing.assert_close(tokens, expected_tokens, atol=1e-4, rtol=0)
    torch.testing.assert_close(scores, expected_scores, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_filter_bank_equals_speechbrains(speechbrain_beats: ModuleType, kind: str) -> None:
    wave = torch.from_numpy(signal(kind))[None]
    expected = speechbrain_beats.BEATs.preprocess(None, wave)
    log_units = (Fbank()(wave) - expected).abs() * (2 * FBANK_STD)
    mean, largest = EXCEPTIONS.get(kind, (1e-5, 2e-3))
    assert log_units.mean() < mean
    assert log_units.max() < largest
