from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainer.loop.toy import SPEC, toy_clips
from trainer.checkpoint import CheckpointConfig, load_checkpoint, save_checkpoint
from trainer.loop.build import build
from trainer.loop.predict import masked_logits
from trainer.methods.table import METHODS
from trainer.models.checkpoint_file import CheckpointError


def config(method: str = "erm", **hyper: object) -> CheckpointConfig:
    return CheckpointConfig(method, hyper, tuple("abcd"), None, SPEC, {"made": "up"}, "Co-Cat", 3, {"lr": 1e-3})


@pytest.mark.parametrize("method", METHODS)
def test_a_loaded_method_says_what_the_saved_one_said(method: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    saved = build(method, {}, SPEC)
    save_checkpoint(tmp_path, saved, config(method))
    loaded, found = load_checkpoint(tmp_path)
    assert found == config(method)
    clips = toy_clips(20, 0, silent=0.5)
    np.testing.assert_array_equal(masked_logits(loaded, clips), masked_logits(saved, clips))


def test_hyper_parameters_and_the_weights_of_the_last_epoch_are_kept(tmp_path: Path) -> None:
    torch.manual_seed(0)
    best, last = (build("cir", {"key_dim": 5}, SPEC) for _ in range(2))
    save_checkpoint(tmp_path, best, config("cir", key_dim=5), last.state_dict())
    for name, expected in (("model.safetensors", best), ("last.safetensors", last)):
        loaded, _ = load_checkpoint(tmp_path, name)
        assert all(torch.equal(value, expected.state_dict()[key]) for key, value in loaded.state_dict().items())


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, build("erm", {}, SPEC), config())
    whole = (tmp_path / "config.json").read_text()

    def refused(match: str) -> None:
        with pytest.raises(CheckpointError, match=match) as caught:
            load_checkpoint(tmp_path)
        assert "\n" not in str(caught.value)

    (tmp_path / "config.json").write_text(whole.replace('"method": "erm"', '"method": "alchemy"'))
    refused(r"method 'alchemy': there is none.*; train the head again")
    (tmp_path / "config.json").write_text(json.dumps({**json.loads(whole), "format_version": 1}))
    refused("not a checkpoint of this version")
    (tmp_path / "config.json").write_text(whole.replace('"hidden": 24', '"hidden": 25'))
    refused("has another shape of weight .*; train the head again")
    (tmp_path / "config.json").write_text(whole)
    weights = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights[:-40])
    refused("train the head again")
    (tmp_path / "model.safetensors").unlink()
    refused(r"model\.safetensors: missing")
    (tmp_path / "config.json").unlink()
    refused(r"config\.json: missing")
